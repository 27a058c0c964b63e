"""The one rule that turns any image into 3 x 8 bits at a square size, for data sets, folders and .npz alike.

1. Colour: RGB. Grey is repeated, transparent parts become white, 16-bit grey is scaled to 8 bits.
2. Square: the centre square is cut out of the longer side (the usual test-time rule for photographs).
3. Size: resized bicubically, with anti-aliasing where it shrinks. An image of the right size is left
   untouched.
"""

import numpy as np

from lin_ft.errors import InputError
from lin_ft.typing import Pixels


def convert_image(image, size: int) -> np.ndarray:
    """A Pillow image -> uint8 (size, size, 3)."""
    from PIL import Image

    if image.mode.startswith(("I", "F")):
        image = Image.fromarray((np.asarray(image, np.float64) / 257).clip(0, 255).astype(np.uint8))
    if image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image = image.convert("RGB")
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


def convert_batch(images: np.ndarray, size: int, name: str) -> Pixels:
    """(n, h, w), (n, h, w, 1 or 3 or 4) of uint8, or floats in [0, 1], -> uint8 (n, size, size, 3).

    Raises InputError, naming `name`: another shape or type, NaN or infinite pixels, floats out of [0, 1].
    """
    shape_ok = images.ndim == 3 or (images.ndim == 4 and images.shape[3] in (1, 3, 4))
    if not shape_ok or 0 in images.shape[1:]:
        raise InputError(
            f"The images of {name} have shape {images.shape}: give (n, height, width) or (n, height, width, 1, 3 or 4)."
        )
    if images.dtype != np.uint8:
        images = _to_bytes(images, name)
    if images.shape[1:] == (size, size, 3):
        return images
    out = np.empty((len(images), size, size, 3), np.uint8)
    for i, image in enumerate(images):
        out[i] = convert_array(image, size)
    return out


def _to_bytes(images: np.ndarray, name: str) -> np.ndarray:
    if images.dtype == bool:
        return images.astype(np.uint8) * 255
    if np.issubdtype(images.dtype, np.integer):
        if images.size and (images.min() < 0 or images.max() > 255):
            raise InputError(f"The pixels of {name} lie outside 0 to 255: give uint8, or floats in [0, 1].")
        return images.astype(np.uint8)
    if not np.issubdtype(images.dtype, np.floating):
        raise InputError(f"The pixels of {name} have type {images.dtype}: give uint8, or floats in [0, 1].")
    bad = ~np.isfinite(images)
    if bad.any():
        first = int(np.argwhere(bad)[0][0])
        raise InputError(
            f"{int(bad.sum())} pixels of {name} are NaN or infinite, the first in image {first}: repair or drop them."
        )
    if images.size and (images.min() < 0 or images.max() > 1):
        raise InputError(
            f"The pixels of {name} are floats from {images.min():.3g} to {images.max():.3g}: scale them to [0, 1]."
        )
    return np.rint(images * 255).astype(np.uint8)
