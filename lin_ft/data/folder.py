"""A folder of images, one sub-folder a class, or train/ and test/ of that form."""

import logging
import warnings
from pathlib import Path

import numpy as np

from lin_ft.data.convert import convert_image
from lin_ft.data.dataset import ImageData
from lin_ft.errors import InputError
from lin_ft.files.progress import bar

_LOG = logging.getLogger(__name__)
SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}
_SPLITS = ("train", "test")


def folder_splits(folder: Path) -> tuple[str, ...]:
    """("train", "test") when these are the only sub-folders and hold classes, else ("train",)."""
    names = {sub.name for sub in _subfolders(folder)}
    if names == set(_SPLITS) and all(_subfolders(folder / split) for split in _SPLITS):
        return _SPLITS
    return ("train",)


def load_folder(folder: Path, split: str = "train", *, size: int = 32) -> ImageData:
    """The images of a folder (as documented in `lin_ft.data.load_split`), classes and files sorted by name.

    Images are found at any depth of a class's folder; hidden files and those without an image suffix are
    passed over. What cannot be read (0 bytes, truncated, no image) is named in a log warning and counted in
    `skipped`.

    Raises InputError: no such split, no sub-folder, or no readable image.
    """
    splits = folder_splits(folder)
    if split not in splits:
        raise InputError(
            f"{folder} has no split {split!r}: give it sub-folders train and test with the classes in each."
        )
    root = folder / split if len(splits) > 1 else folder
    classes = _class_names(folder, splits)
    files = [(path, label) for label, name in enumerate(classes) for path in _image_files(root / name)]
    images: list[np.ndarray] = []
    labels: list[int] = []
    skipped = 0
    with bar(f"reading {folder.name}", len(files)) as show:
        for done, (path, label) in enumerate(files, 1):
            image = _read(path, size)
            if image is None:
                skipped += 1
            else:
                images.append(image)
                labels.append(label)
            show(done)
    if not images:
        reason = f"none of its {len(files)} images can be read" if files else "it holds no images"
        raise InputError(f"The folder {root} is unusable, {reason}: give it one sub-folder of images a class.")
    if skipped:
        _LOG.warning("%d of %d images of %s were skipped because they cannot be read", skipped, len(files), root)
    return ImageData(folder.name, np.stack(images), np.asarray(labels, np.int64), classes, skipped=skipped)


def _subfolders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        raise InputError(f"The folder {folder} cannot be read ({error.strerror}): check its permissions.") from error


def _class_names(folder: Path, splits: tuple[str, ...]) -> tuple[str, ...]:
    """Sub-folders that hold image files, of all splits, sorted: the same labels for either split."""
    roots = [folder / split for split in splits] if len(splits) > 1 else [folder]
    names = {path.name for root in roots for path in _subfolders(root) if _image_files(path)}
    if not names:
        raise InputError(f"The folder {folder} holds no sub-folder with images: give it one sub-folder a class.")
    return tuple(sorted(names))


def _image_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    found = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    return sorted(
        (path for path in found if path.is_file() and not path.name.startswith(".")),
        key=lambda path: path.relative_to(folder).as_posix(),
    )


def _read(path: Path, size: int) -> np.ndarray | None:
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.simplefilter("ignore", UserWarning)
            with Image.open(path) as image:
                image.load()
                return convert_image(ImageOps.exif_transpose(image), size)
    except Exception as error:  # Pillow's plugins raise many types on broken files
        reason = "it is empty" if path.stat().st_size == 0 else f"{type(error).__name__}: {error}"
        _LOG.warning("skipping %s: %s", path, reason)
        return None
