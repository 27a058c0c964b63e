"""An .npz file of images and labels; read without pickle, so a file cannot run code."""

import zipfile
from pathlib import Path

import numpy as np

from lin_ft.data.convert import convert_batch
from lin_ft.data.dataset import ImageData
from lin_ft.errors import InputError

_IMAGES = ("images", "x")
_LABELS = ("labels", "label", "y")
_NAMES = ("class_names", "names", "classes")
_GROUPS = ("groups", "group")


def npz_splits(path: Path) -> tuple[str, ...]:
    """("train", "test") when the file has arrays whose names end so (`x_test`), else ("train",)."""
    arrays = _arrays(path, only_names=True)
    return ("train", "test") if any(f"{key}_test" in arrays for key in _IMAGES) else ("train",)


def load_npz(path: Path, split: str = "train", *, size: int = 32) -> ImageData:
    """The images of an .npz file.

    Keys: `images` or `x`, (n, h, w) or (n, h, w, 1, 3 or 4), uint8 or floats in [0, 1]; `labels` or `y`,
    (n,), integers or strings; optional `class_names`, (C,), for integer labels; optional `groups`, (n,). For
    a file with two splits the keys of images, labels and groups end in `_train` and `_test`.

    Raises InputError: the file is damaged or pickled, a key is missing, shapes do not fit, pixels are NaN,
    infinite or out of range, labels out of range.
    """
    arrays = _arrays(path)
    splits = npz_splits(path)
    if split not in splits:
        raise InputError(f"{path} has no split {split!r}: name its arrays x_train, y_train, x_test and y_test.")
    end = f"_{split}" if len(splits) > 1 else ""
    images = _pick(arrays, _IMAGES, end, path)
    raw_labels = _pick(arrays, _LABELS, end, path)
    assert images is not None
    assert raw_labels is not None
    if raw_labels.ndim == 2 and raw_labels.shape[1] == 1:
        raw_labels = raw_labels[:, 0]
    if raw_labels.ndim != 1 or len(raw_labels) != len(images):
        raise InputError(f"{path} holds {len(images)} images but labels of shape {raw_labels.shape}: give one each.")
    if not len(images):
        raise InputError(f"{path} holds no images: give at least a few a class.")
    everything = [arrays[f"{key}_{s}"] for s in splits for key in _LABELS if f"{key}_{s}" in arrays] or [raw_labels]
    labels, names = _labels(raw_labels, np.concatenate([a.reshape(-1) for a in everything]), arrays, path)
    groups = _pick(arrays, _GROUPS, end, path, needed=False)
    if groups is not None and groups.shape != labels.shape:
        raise InputError(f"{path} holds groups of shape {groups.shape} for {len(labels)} images: give one each.")
    groups = None if groups is None else groups.astype(str)
    return ImageData(path.stem, convert_batch(images, size, str(path)), labels, names, groups)


def _arrays(path: Path, *, only_names: bool = False) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            return {name: np.empty(0) if only_names else file[name] for name in file.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        reason = "it holds pickled objects" if "pickle" in str(error) else "it is damaged or no .npz"
        raise InputError(f"{path} cannot be read, {reason}: save plain arrays with numpy.savez.") from error


def _pick(arrays: dict, keys: tuple[str, ...], end: str, path: Path, *, needed: bool = True) -> np.ndarray | None:
    for key in keys:
        if key + end in arrays:
            return arrays[key + end]
    if needed:
        wanted = " or ".join(key + end for key in keys)
        raise InputError(f"{path} holds {', '.join(arrays) or 'nothing'} but no {wanted}: add it with numpy.savez.")
    return None


def _labels(raw: np.ndarray, everything: np.ndarray, arrays: dict, path: Path) -> tuple[np.ndarray, tuple[str, ...]]:
    """(labels, class names): strings are numbered in sorted order; integers need not be consecutive."""
    if raw.dtype.kind in "US":
        values = np.unique(everything)
        return np.searchsorted(values, raw).astype(np.int64), tuple(map(str, values))
    if raw.dtype.kind == "f" and np.isfinite(raw).all() and (raw == np.rint(raw)).all():
        raw, everything = raw.astype(np.int64), everything.astype(np.int64)
    if raw.dtype.kind not in "iub":
        raise InputError(f"The labels of {path} have type {raw.dtype}: give integers or strings.")
    given = next((arrays[key] for key in _NAMES if key in arrays), None)
    if given is None:
        values = np.unique(everything)
        return np.searchsorted(values, raw).astype(np.int64), tuple(map(str, values))
    if raw.min() < 0 or raw.max() >= len(given):
        raise InputError(f"{path} names {len(given)} classes but has labels {raw.min()} to {raw.max()}: count from 0.")
    return raw.astype(np.int64), tuple(map(str, given))
