"""Images of a TFDS store, decoded once and kept in the cache folder."""

import hashlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from lin_ft.data.convert import Decoded, PictureSet
from lin_ft.data.image_data import ImageData
from lin_ft.data.pixel_range import PixelRanges, check_different, check_finite
from lin_ft.data.store import open_builder
from lin_ft.errors import InputError
from lin_ft.files.cache import cache_dir, move_into_place, scratch_folder
from lin_ft.files.progress import bar


def load_stored(name: str, split: str, *, size: int) -> ImageData:
    """One split of a packaged or any other TFDS data set, fetched, built or decoded at first use.

    Raises InputError: no such data set or split, no image classification, damaged arrays in the cache; pictures whose
    values cannot be told or that are all alike.
    """
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
    cached = cache_dir() / "arrays" / (stem if _has_bytes(builder) else f"{stem}-one-range")
    if not cached.is_dir():
        _decode(builder, split, size, cached)
    try:
        arrays = {path.stem: np.load(path, allow_pickle=False) for path in cached.glob("*.npy")}
        origins = np.asarray([f"{split}[{place}]" for place in range(len(arrays["labels"]))])
        return ImageData(name, arrays["images"], arrays["labels"], names, arrays.get("groups"), origins=origins)
    except (ValueError, OSError, KeyError, EOFError) as error:
        shutil.rmtree(cached, ignore_errors=True)
        raise InputError(f"The cached arrays {cached} were damaged and are removed: run again.") from error


def _decode(builder: Any, split: str, size: int, target: Path) -> None:
    source = builder.as_data_source(split=split)
    images = PictureSet(len(source), size, builder.name, _ranges(builder))
    labels = np.empty(len(source), np.int64)
    groups: list[str] = []
    with bar(f"decoding {builder.name}", len(source)) as show:
        for i in range(len(source)):
            example = source[i]
            images.add(example["image"])
            labels[i] = example["label"]
            if "group" in example:
                groups.append(bytes(example["group"]).decode())
            show(i + 1)
    converted = images.converted(lambda place: Decoded(source[place]["image"]))
    check_different(converted, f"{builder.name}'s {split} split")
    arrays = {"images": converted, "labels": labels} | ({"groups": np.asarray(groups)} if groups else {})
    with scratch_folder(target.parent) as scratch:
        folder = scratch / target.name
        folder.mkdir()
        for key, array in arrays.items():
            np.save(folder / f"{key}.npy", array)
        move_into_place(folder, target)


def _ranges(builder: Any) -> PixelRanges:
    """What values other than bytes mean is decided on all splits together."""
    ranges = PixelRanges(builder.name)
    if not _has_bytes(builder):
        for split in builder.info.splits:
            source = builder.as_data_source(split=split)
            for i in range(len(source)):
                pixels = source[i]["image"]
                check_finite(pixels, builder.name)
                ranges.see(pixels)
    return ranges


def _has_bytes(builder: Any) -> bool:
    return np.dtype(builder.info.features["image"].np_dtype) == np.uint8
