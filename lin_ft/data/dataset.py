"""Labelled images by the name of a data set, a folder or an .npz file."""

import logging
import os
from pathlib import Path
from typing import Literal

from lin_ft.data.folder import folder_splits, read_folder
from lin_ft.data.image_data import ImageData, Splits
from lin_ft.data.npz import npz_splits, read_npz
from lin_ft.data.packaged import packaged_names
from lin_ft.data.split_names import SPLITS, splits_of_names
from lin_ft.data.store import open_builder
from lin_ft.data.stored import load_stored
from lin_ft.errors import InputError

_LOG = logging.getLogger(__name__)


def splits_of(source: str | Path) -> tuple[str, ...]:
    """The splits a source has: of "train", "test" and "validation" for a folder or .npz; a store's own otherwise.

    Raises InputError when there is no such source.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.data import splits_of
        >>> pixels = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8)
        >>> np.savez("shades.npz", x=pixels, y=np.arange(40) % 2)
        >>> splits_of("shades.npz")
        ('train',)
    """
    kind, path = kind_of(source)
    if kind == "folder":
        return folder_splits(path)
    if kind == "npz":
        return npz_splits(path)
    return tuple(open_builder(str(source)).info.splits)


def load_split(source: str | Path, split: str, *, size: int = 32) -> ImageData:
    """All images of one split, by the rule of `lin_ft.data.convert`.

    Args:
      source: a packaged or any other TFDS name, a folder with one sub-folder a class (or with train/, validation/
        and test/ of that form), or an .npz file.
      split: "train", "test", "validation" or, for TFDS names, whatever the data set has.
      size: pixels a side.

    A packaged data set is fetched and built at first use. Decoded TFDS data is kept in the cache folder, so a
    second call takes well under a second; folders and .npz files are read anew each time, all splits of them, for what
    the values mean and which pictures are copies shows in all of them together.

    Raises InputError: no such source or split, nothing readable in it, bad pixels, a fetch that fails, a full
    disk.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.data import load_split
        >>> pixels = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8)
        >>> np.savez("shades.npz", x=pixels, y=np.arange(40) % 2)
        >>> load_split("shades.npz", "train", size=8).images.shape
        (40, 8, 8, 3)
    """
    kind, path = kind_of(source)
    if kind == "store":
        _check_size(size)
        return load_stored(str(source), split, size=size)
    parts = load_splits(source, size=size).parts
    if split not in parts:
        advice = "sub-folders of these names with the classes in each" if kind == "folder" else "x_test and y_test"
        raise InputError(f"{path} has no split {split!r}: it has {', '.join(parts)}; others need {advice}.")
    return parts[split]


def load_splits(source: str | Path, *, size: int = 32, quiet: bool = False) -> Splits:
    """The training, test and validation images, as far as the source has them, read at once; see `load_split`.

    A TFDS data set without a training split gives its first split as that. What a folder or file holds and what of it
    is not used is logged, unless `quiet`. Raises InputError as `load_split`.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.data import load_splits
        >>> pixels = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8)
        >>> np.savez("shades.npz", x=pixels, y=np.arange(40) % 2)
        >>> list(load_splits("shades.npz", size=8).parts)
        ['train']
    """
    _check_size(size)
    kind, path = kind_of(source)
    if kind != "store":
        found = read_folder(path, size=size) if kind == "folder" else read_npz(path, size=size)
        if found.accounting and not quiet:
            found.accounting.log()
        return found
    from lin_ft.data.store import open_builder

    names = tuple(open_builder(str(source)).info.splits)
    meant = splits_of_names(names)
    chosen = {"train": "train" if "train" in names else names[0]}
    for split in SPLITS[1:]:
        found = [split] if split in names else [name for name in names if meant.get(name) == split]
        chosen |= dict.fromkeys([split], found[0]) if found and found[0] != chosen["train"] else {}
    parts = {split: load_stored(str(source), name, size=size) for split, name in chosen.items()}
    return Splits({split: part for split, part in parts.items() if split == "train" or _has_labels(part, split)})


def kind_of(source: str | Path) -> tuple[Literal["store", "folder", "npz"], Path]:
    """Whether it is the name of a data set, a folder or a file: a packaged name wins over a folder of that name."""
    path = Path(source).expanduser()
    if isinstance(source, str) and source in packaged_names():
        return "store", path
    if path.is_dir():  # `.` and `..` have no name of their own
        return "folder", path if path.name not in ("", "..") else Path(os.path.abspath(path))
    if path.suffix == ".npz":
        if not path.is_file():
            raise InputError(f"There is no file {path}: check the path.")
        return "npz", path
    if path.exists():
        raise InputError(f"{path} is no folder and no .npz file: give a folder of images or an .npz.")
    if isinstance(source, Path) or str(source).count("/") > 1 or str(source).startswith((".", "~", "/")):
        raise InputError(f"There is no folder or file {path}: check the path.")
    return "store", path


def _check_size(size: int) -> None:
    if not 1 <= size <= 1024:
        raise InputError(f"Image size {size} is not supported: choose between 1 and 1024 pixels.")


def _has_labels(part: ImageData, split: str) -> bool:
    """TFDS gives unlabelled images the label -1."""
    if len(part) and (part.labels < 0).all():
        _LOG.warning("%s: the %d images of its %s split have no labels and are not used", part.name, len(part), split)
        return False
    return True
