"""The one rule from pixels of any type to 8 bits, for files and arrays alike, decided on a whole data set.

All pictures of one data set (its splits together) that come in one dtype share one range: the first of `RANGES` that
holds every one of their values, its ends being black and white,

    out = round(255 (value - low) / (high - low)).

| values found     | range             | usual origin                                               |
| ---------------- | ----------------- | ---------------------------------------------------------- |
| 0 .. 1           | 0 .. 1            | floats in the unit interval, masks, booleans               |
| -1 .. 1          | -1 .. 1           | floats normalised by mean 0.5 and std 0.5                  |
| 0 .. 255         | 0 .. 255          | 8 bits: uint8 is left as it is, wider types hold the same  |
| -128 .. 127      | -128 .. 127       | int8                                                       |
| 0 .. 1023        | 0 .. 1023         | 10 bits                                                    |
| 0 .. 4095        | 0 .. 4095         | 12 bits in 16                                              |
| -1024 .. 3071    | -1024 .. 3071     | computed tomography, Hounsfield units                      |
| -2048 .. 2047    | -2048 .. 2047     | 12 bits, signed                                            |
| 0 .. 16383       | 0 .. 16383        | 14 bits                                                    |
| 0 .. 65535       | 0 .. 65535        | 16 bits                                                    |
| -32768 .. 32767  | -32768 .. 32767   | int16                                                      |
| 0 .. 4294967295  | 0 .. 4294967295   | uint32                                                     |

The values must fill an eighth of the range: up from 0 where it has no negative part, else down from 0. Nothing else is
guessed: digits of 0 to 16, standardised floats, reflectances or a lone -0.01 are an error that states what was found.
Floats may leave a range by a thousandth of its width, which rounding does, and are clipped.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lin_ft.errors import InputError

_FILLED = 1 / 8
_SLACK = 1e-3
_ALIKE = 3.0


class Range(NamedTuple):
    """Values that mean black and white."""

    low: float
    high: float


RANGES = tuple(
    Range(float(low), float(high))
    for low, high in (
        (0, 1),
        (-1, 1),
        (0, 2**8 - 1),
        (-(2**7), 2**7 - 1),
        (0, 2**10 - 1),
        (0, 2**12 - 1),
        (-1024, 3071),
        (-(2**11), 2**11 - 1),
        (0, 2**14 - 1),
        (0, 2**16 - 1),
        (-(2**15), 2**15 - 1),
        (0, 2**32 - 1),
    )
)
BYTES = Range(0.0, 255.0)


class PixelRanges:
    """Least and largest value of every dtype met in a data set, and what they mean."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._found: dict[np.dtype, tuple[float, float]] = {}

    def see(self, pixels: np.ndarray) -> None:
        """Take the values of one picture, or of many, into account. They must be numbers and finite."""
        low, high = float(pixels.min()), float(pixels.max())
        least, largest = self._found.get(pixels.dtype, (low, high))
        self._found[pixels.dtype] = min(least, low), max(largest, high)

    def of(self, dtype: np.dtype) -> Range:
        """The range of this dtype. Raises InputError where the rule cannot decide, with the values found."""
        low, high = self._found[dtype]
        found = meant_range(low, high, slack=_SLACK if dtype.kind == "f" else 0.0)
        if found is None:
            shown = [f"{value:.6g}" if dtype.kind == "f" else str(int(value)) for value in (low, high)]
            raise InputError(
                f"The pixels of {self._name} are {dtype.name} from {shown[0]} to {shown[1]}, and what is black and what"
                " white among them cannot be told: convert them to 8 bits (uint8, 0 to 255) or to floats in [0, 1]."
            )
        return found


def meant_range(low: float, high: float, *, slack: float = 0.0) -> Range | None:
    """The range that values from `low` to `high` are meant in by the rule above; None where it cannot decide."""
    for least, largest in RANGES:
        room = slack * (largest - least)
        if least - room <= low and high <= largest + room:
            filled = _FILLED * (largest - least)
            enough = (high >= filled or low == high == 0) if least == 0 else low <= -filled
            return Range(least, largest) if enough else None
    return None


def to_bytes(pixels: np.ndarray, meant: Range) -> np.ndarray:
    """uint8 of the same shape: `meant.low` becomes 0, `meant.high` 255."""
    if pixels.dtype == np.uint8 and meant == BYTES:
        return pixels
    share = (pixels.astype(np.float64) - meant.low) / (meant.high - meant.low)
    return np.rint(255 * share.clip(0, 1)).astype(np.uint8)


def check_finite(pixels: np.ndarray, name: str) -> None:
    """Raises InputError for NaN or infinite pixels and for types that are no numbers."""
    if pixels.dtype.kind not in "buif":
        raise InputError(f"The pixels of {name} have type {pixels.dtype}: give numbers, best uint8.")
    if pixels.dtype.kind == "f" and pixels.size:
        bad = ~np.isfinite(pixels)
        if bad.any():
            first = f", the first in image {int(np.argwhere(bad)[0][0])}" if pixels.ndim > 2 else ""
            raise InputError(f"{int(bad.sum())} pixels of {name} are NaN or infinite{first}: repair or drop them.")


def check_different(images: Sequence[np.ndarray] | np.ndarray, name: str) -> None:
    """Raises InputError where uint8 images (n, ...) are all nearly alike.

    They are where no pixel's standard deviation over the images reaches 3 of 255 levels: black pictures, one picture
    many times, or pictures whose contrast was lost before.
    """
    if len(images) < 2:
        return
    total = np.zeros(images[0].shape)
    squares = np.zeros(images[0].shape)
    for image in images:
        values = image.astype(np.float64)
        total += values
        squares += values**2
    mean = total / len(images)
    spread = np.sqrt(np.max(squares / len(images) - mean**2).clip(0))
    if spread < _ALIKE:
        low, high = min(int(image.min()) for image in images), max(int(image.max()) for image in images)
        raise InputError(
            f"The {len(images)} pictures of {name} are all nearly alike (grey levels {low} to {high} of 255, no pixel"
            f" varies by more than {spread:.1f}): nothing can be learnt from them; check how they were exported."
        )
