"""One picture file, told by its content and not by its name, decoded to the values it holds.

Whatever Pillow opens is a picture, but for formats that only another program could draw (EPS, WMF) and those that
Pillow knows without decoding them. HEIC needs pillow-heif (`pip install 'lin-ft[heic]'`). The orientation (EXIF) is
applied; of an animation the first frame is taken. Pictures over Pillow's limit of pixels are read where the memory
allows.
"""

import contextlib
import functools
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lin_ft.data.accounting import NO_PICTURE, TOO_LARGE, UNREADABLE
from lin_ft.data.convert import Decoded, to_rgb
from lin_ft.data.deep_colour import deep_colour, is_deep_colour
from lin_ft.files.free_memory import free_memory

_NOT_DECODED = {"EPS", "WMF", "BUFR", "GRIB", "HDF5", "MPEG"}
_ANIMATED = {"GIF", "WEBP", "TIFF", "PNG", "AVIF", "FLI"}
_BYTES_A_PIXEL = 16
"""Held at once while a picture is decoded, turned and made RGB."""
_SMALL = 2**28
"""Bytes that are there without asking."""
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


class NotUsed(Exception):
    """A file that gives no picture: the reason, one of `lin_ft.data.accounting.REASONS`, and what is wrong."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail)
        self.reason, self.detail = reason, detail


def looks_like_a_picture(path: Path) -> bool:
    """Whether Pillow knows the file by its content, or else its suffix says picture (then it is a damaged one)."""
    if path.suffix.lower() in _suffixes():
        return True
    if not path.is_file():
        return False
    try:
        with _opened(path):
            return True
    except Exception:  # whatever a plugin makes of a file that is not its own
        return _is_heic(path)


def read_picture(path: Path) -> Decoded:
    """The picture in a file: grey of more than 8 bits and 16-bit colour as they are stored, all else in RGB.

    Raises NotUsed where there is none, it is damaged, or it does not fit into memory.
    """
    if not path.is_file():
        raise NotUsed(UNREADABLE, "the link leads nowhere" if path.is_symlink() else "it is no regular file")
    try:
        with _opened(path) as image:
            _check_memory(image)
            deep = is_deep_colour(image)
            pixels, inverted = (np.empty(0), False) if deep else _decode(image)
            frames = _frames(image)
        if deep:
            pixels = deep_colour(lambda: _opened(path))
    except NotUsed:
        raise
    except Exception as error:  # Pillow's plugins raise many types on broken files
        raise _why_not(path, error) from error
    if 0 in pixels.shape:
        raise NotUsed(UNREADABLE, "it has no pixels")
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise NotUsed(UNREADABLE, f"{int((~np.isfinite(pixels)).sum())} of its pixels are NaN or infinite")
    return Decoded(pixels, inverted, frames)


def _decode(image: Any) -> tuple[np.ndarray, bool]:
    """The pixels of an opened image, and whether its lowest value is white."""
    from PIL import ImageOps

    tags = image.tag_v2 if image.format == "TIFF" else {}
    photometric, bits, sample = (tags.get(tag) for tag in (262, 258, 339))
    image.load()
    turned = ImageOps.exif_transpose(image)
    if image.mode == "L" and sample == (2,):  # Pillow takes signed bytes for unsigned ones
        return np.asarray(turned).view(np.int8), False
    if not image.mode.startswith(("I", "F")):
        return np.asarray(to_rgb(turned)), False
    pixels = np.asarray(turned)
    pixels = pixels.astype(pixels.dtype.newbyteorder("="))
    if pixels.dtype == np.int32 and bits == (32,) and sample in (None, (1,)):  # and unsigned integers for signed ones
        pixels = pixels.view(np.uint32)
    return pixels, photometric == 0


def _frames(image: Any) -> int:
    with contextlib.suppress(Exception):  # a damaged second frame is none of our business
        return image.n_frames if image.format in _ANIMATED and image.is_animated else 1
    return 1


def _check_memory(image: Any) -> None:
    need = _BYTES_A_PIXEL * image.width * image.height
    if need > _SMALL and need > (free := free_memory()):
        size = f"{image.width} x {image.height} pixels"
        raise NotUsed(TOO_LARGE, f"{size} need {need / 1e9:.1f} GB of memory and {free / 1e9:.1f} GB are free")


def _why_not(path: Path, error: Exception) -> NotUsed:
    from PIL import UnidentifiedImageError

    if isinstance(error, PermissionError):
        return NotUsed(UNREADABLE, "its permissions forbid it")
    if path.stat().st_size == 0:
        return NotUsed(UNREADABLE if path.suffix.lower() in _suffixes() else NO_PICTURE, "it is empty")
    if isinstance(error, MemoryError):
        return NotUsed(TOO_LARGE, "the memory ended")
    if isinstance(error, UnidentifiedImageError):
        if _is_heic(path):
            return NotUsed(UNREADABLE, "HEIC needs `pip install 'lin-ft[heic]'`")
        if path.suffix.lower() not in _suffixes():
            return NotUsed(NO_PICTURE)
        return NotUsed(UNREADABLE, "it is no picture, or of a kind that Pillow does not read")
    return NotUsed(UNREADABLE, f"{type(error).__name__}: {error}")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """An open Pillow image, whatever its size; nothing is decoded yet."""
    from PIL import Image

    formats = _formats()
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=formats) as image:
                yield image
    finally:
        Image.MAX_IMAGE_PIXELS = limit


@functools.cache
def _formats() -> tuple[str, ...]:
    """What Pillow can open and decode by itself, HEIC included where pillow-heif is installed."""
    from PIL import Image

    Image.init()
    with contextlib.suppress(ImportError):
        import pillow_heif

        pillow_heif.register_heif_opener()
    return tuple(name for name in Image.ID if name not in _NOT_DECODED)


@functools.cache
def _suffixes() -> frozenset[str]:
    """Those that say picture."""
    from PIL import Image

    formats = _formats()
    known = {suffix for suffix, name in Image.registered_extensions().items() if name in formats}
    return frozenset(known | {".heic", ".heif", ".hif"})


def _is_heic(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            start = stream.read(12)
    except OSError:
        return False
    return start[4:8] == b"ftyp" and start[8:12] in _HEIC_BRANDS
