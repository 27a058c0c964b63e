"""Colour pictures of 16 bits a channel, of which Pillow's own modes keep the upper eight only.

A PNG or TIFF of 12 bits in 16 would arrive almost black. Its bytes are all decoded, though, and a raw mode says which
of them become pixels: the picture is decoded once for the upper bytes and once, by the raw mode of the other byte
order, for the lower ones.
"""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

_OTHER_ORDER = {"L": "B", "B": "L", "N": {"little": "B", "big": "L"}[sys.byteorder]}
_SPLIT = 2
"""PlanarConfiguration of a TIFF that stores one channel after the other."""


def is_deep_colour(image: Any) -> bool:
    """Whether an opened Pillow image that is not loaded yet holds more bits a channel than its mode will keep."""
    planes = image.format == "TIFF" and image.tag_v2.get(284) == _SPLIT and max(image.tag_v2.get(258, (8,))) > 8
    return image.mode in ("RGB", "RGBA", "RGBX", "CMYK", "LAB") and (planes or ";16" in _raw_mode(image))


def deep_colour(opened: Callable[[], AbstractContextManager[Any]]) -> np.ndarray:
    """uint16 (height, width, 3 or 4 = RGBA) of a picture that `is_deep_colour`; `opened` opens it anew each time.

    Raises ValueError for layouts whose lower bytes Pillow does not give.
    """
    with opened() as image:
        mode, planar = _raw_mode(image), image.format == "TIFF" and image.tag_v2.get(284) == _SPLIT
    kind, _, order = mode.partition(";16")
    if mode == "LA;16B":  # four bytes a pixel, as RGBA has: upper and lower byte of the grey, then of the alpha
        bytes_of = _decoded(opened, "RGBA").astype(np.uint16)
        grey, alpha = 256 * bytes_of[..., 0] + bytes_of[..., 1], 256 * bytes_of[..., 2] + bytes_of[..., 3]
        return np.stack([grey, grey, grey, alpha], -1)
    if kind not in ("RGB", "RGBA", "RGBX") or order not in _OTHER_ORDER or planar:
        layout = "in planes" if planar or not mode else f"stored as {kind or mode}"
        raise ValueError(f"16 bits a channel {layout} are not read: save it as a PNG")
    upper, lower = _decoded(opened, mode), _decoded(opened, f"{kind};16{_OTHER_ORDER[order]}")
    deep = 256 * upper.astype(np.uint16) + lower
    return deep[..., :3] if kind == "RGBX" else deep


def _decoded(opened: Callable[[], AbstractContextManager[Any]], raw_mode: str) -> np.ndarray:
    from PIL import ImageOps

    with opened() as image:
        image.tile = [
            tile._replace(args=raw_mode if isinstance(tile.args, str) else (raw_mode, *tile.args[1:]))
            for tile in image.tile
        ]
        image.load()
        return np.asarray(ImageOps.exif_transpose(image))


def _raw_mode(image: Any) -> str:
    """Such as "RGB;16B"; "" where there is none."""
    for tile in getattr(image, "tile", None) or ():
        args = tile.args
        first = args if isinstance(args, str) else args[0] if isinstance(args, tuple) and args else ""
        return first if isinstance(first, str) else ""
    return ""
