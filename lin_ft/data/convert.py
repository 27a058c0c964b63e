"""The one way from any picture to 3 x 8 bits at a square size, for data sets, folders and .npz alike.

1. Values: 8 bits, by the rule of `lin_ft.data.pixel_range`, which is decided on the whole data set.
2. Colour: RGB. Grey is repeated, transparent parts become white.
3. Square: the centre square is cut out of the longer side (the usual test-time rule for photographs).
4. Size: resized bicubically, with anti-aliasing where it shrinks. A picture of the right size is left
   untouched.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from lin_ft.data.pixel_range import BYTES, PixelRanges, check_finite, to_bytes
from lin_ft.errors import InputError
from lin_ft.typing import Pixels

__all__ = ["convert_batch"]


class Decoded(NamedTuple):
    """One picture as its source holds it."""

    pixels: np.ndarray
    """(height, width) or (height, width, 1, 3 or 4 = RGBA), of any number type."""
    inverted: bool = False
    """The lowest value is white."""
    frames: int = 1
    """How many pictures the file holds; `pixels` is the first."""


def to_rgb(image: Any) -> Any:
    """A Pillow image of 8 bits -> the same in RGB, transparent parts white."""
    from PIL import Image

    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return _from_lab(image) if image.mode == "LAB" else image.convert("RGB")


def convert_image(image: Any, size: int) -> np.ndarray:
    """A Pillow image of 8 bits -> uint8 (size, size, 3)."""
    from PIL import Image

    image = to_rgb(image)
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    if (width, height) != (size, size):
        box = (left, top, left + side, top + side)
        image = image.resize((size, size), Image.Resampling.BICUBIC, box)
    return np.asarray(image)


def convert_array(image: np.ndarray, size: int) -> np.ndarray:
    """uint8 (height, width), (height, width, 1), (h, w, 3) or (h, w, 4 = RGBA) -> uint8 (size, size, 3)."""
    from PIL import Image

    if image.ndim == 3 and image.shape[2] == 1:
        image = image[..., 0]
    if image.shape == (size, size, 3):
        return image
    if image.shape == (size, size):
        return np.repeat(image[..., None], 3, axis=2)
    return convert_image(Image.fromarray(image), size)


class PictureSet:
    """Pictures of one data set, added one at a time, converted by the one rule.

    Those of uint8 are converted as they come; the others are read a second time, when the range of all is known.
    """

    def __init__(self, most: int, size: int, name: str, ranges: PixelRanges | None = None) -> None:
        """At most `most` pictures; `ranges` has seen those of other splits."""
        self._images = np.empty((most, size, size, 3), np.uint8)
        self._dtypes: list[np.dtype] = []
        self._ranges = ranges or PixelRanges(name)
        self._size = size

    def add(self, pixels: np.ndarray) -> None:
        """Take one picture: its range is counted, and uint8 is converted at once."""
        if pixels.dtype == np.uint8:
            self._images[len(self._dtypes)] = convert_array(pixels, self._size)
        self._ranges.see(pixels)
        self._dtypes.append(pixels.dtype)

    def converted(self, read: Callable[[int], Decoded]) -> Pixels:
        """uint8 (n, size, size, 3); `read` gives the picture of a place again.

        Raises InputError where it cannot be told what the values mean.
        """
        later = {dtype for dtype in self._dtypes if self._ranges.of(dtype) != BYTES or dtype != np.uint8}
        for place, dtype in enumerate(self._dtypes):
            if dtype in later:
                picture = read(place)
                values = to_bytes(picture.pixels, self._ranges.of(dtype))
                self._images[place] = convert_array(255 - values if picture.inverted else values, self._size)
        return self._images[: len(self._dtypes)]


def convert_batch(images: np.ndarray, size: int, name: str, *, ranges: PixelRanges | None = None) -> Pixels:
    """(n, h, w) or (n, h, w, 1 or 3 or 4) of any number type -> uint8 (n, size, size, 3).

    `ranges` has seen the images of other splits where there are some; by default these are the whole data set.
    Raises InputError, naming `name`: another shape or type, NaN or infinite pixels, values that cannot be told.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.data.convert import convert_batch
        >>> convert_batch(np.array([[[0, 4095], [1365, 2730]]], np.uint16), 2, "scans")[0, ..., 0]  # 12 bits
        array([[  0, 255],
               [ 85, 170]], dtype=uint8)
    """
    check_shape(images, name)
    if not len(images):
        return np.empty((0, size, size, 3), np.uint8)
    if ranges is None:
        check_finite(images, name)
        ranges = PixelRanges(name)
        ranges.see(images)
    meant = ranges.of(images.dtype)
    if meant == BYTES and images.dtype == np.uint8 and images.shape[1:] == (size, size, 3):
        return images
    out = np.empty((len(images), size, size, 3), np.uint8)
    for i, image in enumerate(images):
        out[i] = convert_array(to_bytes(image, meant), size)
    return out


def check_shape(images: np.ndarray, name: str) -> None:
    """Raises InputError for arrays that are no pictures."""
    shape_ok = images.ndim == 3 or (images.ndim == 4 and images.shape[3] in (1, 3, 4))
    if not shape_ok or 0 in images.shape[1:]:
        raise InputError(
            f"The images of {name} have shape {images.shape}: give (n, height, width) or (n, height, width, 1, 3 or 4)."
        )


def _from_lab(image: Any) -> Any:
    from PIL import ImageCms

    profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.profileToProfile(image, *profiles, outputMode="RGB")
