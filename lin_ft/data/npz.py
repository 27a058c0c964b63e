"""An .npz file of images and labels; read without pickle, so a file cannot run code."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lin_ft.data.accounting import COPY, Accounting, Unused
from lin_ft.data.convert import check_shape, convert_batch
from lin_ft.data.copies import copies, copies_notice, digest
from lin_ft.data.image_data import ImageData, Splits
from lin_ft.data.pixel_range import PixelRanges, check_different, check_finite
from lin_ft.data.split_names import SPLITS, splits_of_names
from lin_ft.errors import InputError

_ROLES = {
    "images": ("images", "image", "x"),
    "labels": ("labels", "label", "y"),
    "class_names": ("class_names", "names", "classes"),
    "groups": ("groups", "group"),
}

_Keys = dict[tuple[str, str], str]
"""(role, split) -> name of the array."""


def npz_splits(path: Path) -> tuple[str, ...]:
    """The splits whose images the file holds (`x_test`, `val_images`); "train" alone where no name says a split."""
    return _splits(_keys(_arrays(path, only_names=True)))


def read_npz(path: Path, *, size: int = 32) -> Splits:
    """All images of an .npz file.

    Keys: `images` or `x`, (n, h, w) or (n, h, w, 1, 3 or 4), of any number type (`lin_ft.data.pixel_range`, one rule
    for all splits together); `labels` or `y`, (n,), integers or strings; optional `class_names`, (C,), for integer
    labels; optional `groups`, (n,). In a file with splits the keys of images, labels and groups begin or end with their
    names: `x_train` and `y_test`, `val_images`. Of images with exactly the same content the first is kept, those of the
    training split before those of the test and the validation split. What is not used is named in the log.

    Raises InputError: the file is damaged or pickled, a key is missing, shapes do not fit, pixels are NaN or infinite,
    what they mean cannot be told, images all nearly alike, labels out of range.
    """
    arrays = _arrays(path)
    keys = _keys(arrays)
    splits = [split for split in _splits(keys) if split == "train" or ("labels", split) in keys]
    images = {split: _images(arrays, keys, split, path) for split in splits}
    raw = {split: _raw_labels(arrays, keys, split, len(images[split]), path) for split in splits}
    labels, class_names = _labels(raw, arrays.get(keys.get(("class_names", ""), "")), path)
    groups = {split: _groups(arrays, keys, split, len(images[split]), path) for split in splits}
    ranges = PixelRanges(str(path))
    for pixels in images.values():
        ranges.see(pixels)
    converted = {split: convert_batch(images[split], size, str(path), ranges=ranges) for split in splits}
    check_different([image for split in splits for image in converted[split]], str(path))
    kept, unused, notices = _without_copies(images, {split: raw[split] for split in splits}, keys)
    parts = {}
    for split in splits:
        origins = np.asarray([f"{keys['images', split]}[{place}]" for place in range(len(labels[split]))])
        part = ImageData(path.stem, converted[split], labels[split], class_names, groups[split], origins=origins)
        parts[split] = part.take(kept[split])
    empty = [split for split, part in parts.items() if not len(part)]
    if empty:
        raise InputError(f"Every {empty[0]} image of {path} is a copy of another split's: give images of its own.")
    rest = [name for name in arrays if name not in keys.values() or _split_of(name, keys) not in ("", *splits)]
    if rest:
        notices.append(f"Arrays that are not used: {', '.join(sorted(rest))}.")
    counts = {split: tuple(part.counts().tolist()) for split, part in parts.items()}
    accounting = Accounting(str(path), class_names, counts, tuple(unused), tuple(notices))
    return Splits(parts, accounting)


def _arrays(path: Path, *, only_names: bool = False) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            if only_names:
                return dict.fromkeys(file.files, np.empty(0))
            return {name: array for name in file.files if isinstance(array := file[name], np.ndarray)}
    except Exception as error:  # a damaged zip or header ends in a dozen types, tokenize.TokenError among them
        reason = "it holds pickled objects" if "pickle" in str(error) else "it is damaged or no .npz"
        raise InputError(f"{path} cannot be read, {reason}: save plain arrays with numpy.savez.") from error


def _keys(arrays: Mapping[str, np.ndarray]) -> _Keys:
    """What each array is; names that say nothing, and second names for what is there, are left out."""
    found: _Keys = {}
    for role, words in _ROLES.items():
        for word in words:
            for name in arrays:
                tokens = re.split(r"[_\W]+", name.casefold())
                meant = splits_of_names([tokens[0], tokens[-1]]) if len(tokens) > 1 else {}
                splits = [token for token in tokens if token in meant]
                rest = [token for token in tokens if token not in splits]
                if "_".join(rest) == word and len(splits) <= 1:
                    found.setdefault((role, meant[splits[0]] if splits else ""), name)
    if not any(role == "images" and split == "train" for role, split in found):
        found |= {(role, "train"): name for (role, split), name in found.items() if role != "class_names" and not split}
    return found


def _splits(keys: _Keys) -> tuple[str, ...]:
    return tuple(split for split in SPLITS if split == "train" or ("images", split) in keys)


def _pick(arrays: Mapping[str, np.ndarray], keys: _Keys, role: str, split: str, path: Path) -> np.ndarray:
    if (role, split) not in keys:
        end = "" if len(_splits(keys)) == 1 else f"_{split}"
        wanted = " or ".join(word + end for word in _ROLES[role])
        raise InputError(f"{path} holds {', '.join(arrays) or 'nothing'} but no {wanted}: add it with numpy.savez.")
    return arrays[keys[role, split]]


def _images(arrays: Mapping[str, np.ndarray], keys: _Keys, split: str, path: Path) -> np.ndarray:
    images = _pick(arrays, keys, "images", split, path)
    check_shape(images, str(path))
    check_finite(images, str(path))
    if not len(images):
        raise InputError(f"{path} holds no images in {keys['images', split]}: give at least a few a class.")
    return images


def _raw_labels(arrays: Mapping[str, np.ndarray], keys: _Keys, split: str, n: int, path: Path) -> np.ndarray:
    labels = _pick(arrays, keys, "labels", split, path)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.shape != (n,):
        raise InputError(f"{path} holds {n} images but labels of shape {labels.shape}: give one each.")
    if labels.dtype.kind == "f" and np.isfinite(labels).all() and (labels == np.rint(labels)).all():
        labels = labels.astype(np.int64)
    if labels.dtype.kind not in "iubUS":
        raise InputError(f"The labels of {path} have type {labels.dtype}: give integers or strings.")
    return labels


def _groups(arrays: Mapping[str, np.ndarray], keys: _Keys, split: str, n: int, path: Path) -> np.ndarray | None:
    if ("groups", split) not in keys:
        return None
    groups = arrays[keys["groups", split]]
    if groups.shape != (n,):
        raise InputError(f"{path} holds groups of shape {groups.shape} for {n} images: give one each.")
    return groups.astype(str)


def _labels(
    raw: Mapping[str, np.ndarray], given: np.ndarray | None, path: Path
) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
    """(labels of each split, class names): strings are numbered in sorted order; integers need not be consecutive."""
    if len({labels.dtype.kind in "US" for labels in raw.values()}) > 1:
        raise InputError(f"{path} names the classes of one split and numbers those of another: use one form.")
    everything = np.concatenate(list(raw.values()))
    if given is None or everything.dtype.kind in "US":
        values = np.unique(everything)
        numbered = {split: np.searchsorted(values, labels).astype(np.int64) for split, labels in raw.items()}
        return numbered, tuple(map(str, values))
    names = given.reshape(-1)
    low, high = int(everything.min()), int(everything.max())
    if low < 0 or high >= len(names):
        raise InputError(f"{path} names {len(names)} classes but has labels {low} to {high}: count from 0.")
    return {split: labels.astype(np.int64) for split, labels in raw.items()}, tuple(map(str, names))


def _without_copies(
    images: Mapping[str, np.ndarray], labels: Mapping[str, np.ndarray], keys: _Keys
) -> tuple[dict[str, np.ndarray], list[Unused], list[str]]:
    """The places that are kept in each split, what is left out, and a notice of it."""
    places = [(split, place) for split, pixels in images.items() for place in range(len(pixels))]
    found = copies([digest(images[split][place]) for split, place in places])

    def name(split: str, place: int) -> str:
        return f"{keys['images', split]}[{place}]"

    unused = [Unused(name(*places[c.dropped]), COPY, f"the same as {name(*places[c.kept])}") for c in found]
    notices = []
    if found:
        notices.append(copies_notice(found, [(split, str(labels[split][place])) for split, place in places]))
    dropped = {places[copy.dropped] for copy in found}
    kept = {
        split: np.asarray([place for place in range(len(pixels)) if (split, place) not in dropped], np.int64)
        for split, pixels in images.items()
    }
    return kept, unused, notices


def _split_of(name: str, keys: _Keys) -> str:
    return next((split for (_, split), each in keys.items() if each == name), "")
