"""transformers' preprocessor_config.json: what becomes of a picture before the network sees it."""

from collections.abc import Mapping
from typing import Any

from lin_ft.zoo.stated.statement import Statement
from lin_ft.zoo.stated.values import HALF, IMAGENET, numbers, side_of

RESAMPLING = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")
"""By Pillow's numbers."""


def preprocessor_statement(config: Mapping[str, Any], where: str) -> Statement:
    """Mean and deviation of pixels in [0, 1], size, interpolation.

    With p in 0..255, r = rescale_factor and o = 1 where `rescale_offset` is on, the network gets
    (r p - o - mean) / std, which is (p / 255 - m) / s with m = (mean + o) / (255 r), s = std / (255 r). EfficientNet's
    processor, with `include_top`, divides by std once more.
    """
    nested = config.get("image_processor")
    config = nested if isinstance(nested, Mapping) else config
    kind = str(config.get("image_processor_type") or config.get("feature_extractor_type") or "")
    mean, std = (numbers(config.get(f"image_{name}"), name, where) for name in ("mean", "std"))
    if kind and not (mean and std):
        usual = HALF if kind.startswith(("ViT", "MobileNetV2")) else IMAGENET
        mean, std = mean or usual[0], std or usual[1]
    if not config.get("do_normalize", True):
        mean, std = (0.0,) * 3, (1.0,) * 3
    elif kind.startswith("EfficientNet") and config.get("include_top", True):
        std = tuple(value**2 for value in std)
    if mean:
        scale = 255 * float(config.get("rescale_factor", 1 / 255)) if config.get("do_rescale", True) else 255.0
        offset = 1.0 if config.get("rescale_offset") else 0.0
        mean = tuple((value + offset) / scale for value in mean)
        std = tuple(value / scale for value in std)
    size = side_of(config.get("size"))
    cropped = side_of(config.get("crop_size")) if config.get("do_center_crop") else 0
    crop = float(config.get("crop_pct") or (cropped / size if cropped and size else 0.0))
    number = config.get("resample", config.get("interpolation"))
    known = isinstance(number, int) and 0 <= number < len(RESAMPLING)
    return Statement(
        where, mean=mean, std=std, image_size=cropped or size, interpolation=RESAMPLING[number] if known else "",
        crop=crop if 0 < crop <= 1 else 0.0,
    )  # fmt: skip
