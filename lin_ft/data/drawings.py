"""Icons, emoji, clip art: drawings on a white square, without duplicates, look-alikes in one split."""

import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lin_ft.data.packaged import Example, split_by_hash
from lin_ft.errors import InputError

_COARSE = 16
LIKENESS = 0.95
"""Drawings whose coarse ink has a cosine above this are alike: recoloured, mirrored, or with another small badge.

Sets with many drawings of one outline (faces, flags) need more, or nearly all of those would be one group.
"""


class Drawing(NamedTuple):
    """A labelled drawing; those of one `kin` (an emoji and its variants, say) stay together."""

    name: str
    label: int
    image: np.ndarray
    """uint8 (size, size, 3), size a multiple of 16."""
    kin: str = ""


def render_svg(content: bytes, size: int) -> np.ndarray:
    """An SVG as uint8 (size, size, 3) on white. Raises InputError when the renderer is not installed."""
    from PIL import Image

    try:
        import cairosvg
    except (ImportError, OSError) as error:  # OSError: the cairo library itself is missing
        raise InputError(
            "Drawing this data set needs CairoSVG: install it with `pip install lin-ft[svg]` and the cairo library."
        ) from error
    png = cairosvg.svg2png(bytestring=content, output_width=size, output_height=size, background_color="white")
    assert isinstance(png, bytes)
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def white_square(image, size: int) -> np.ndarray:
    """A Pillow image, whole and centred on a white square, as uint8 (size, size, 3); transparent parts are white."""
    from PIL import Image

    image = image.convert("RGBA")
    side = max(image.size)
    square = Image.new("RGBA", (side, side), "white")
    square.alpha_composite(image, ((side - image.width) // 2, (side - image.height) // 2))
    square = square.convert("RGB")
    return np.asarray(square if side == size else square.resize((size, size), Image.Resampling.BICUBIC))


def kin_of(name: str) -> str:
    """The words of a file name without its number and "bw", so that muffin1.svg and muffin2_bw.svg are kin."""
    return " ".join(word for word in re.findall("[a-z]+", Path(name).stem.lower()) if word != "bw")


def alike(images: np.ndarray, likeness: float = LIKENESS) -> np.ndarray:
    """Which drawings are alike as they are or mirrored left to right: (n, size, size, 3) -> bool (n, n).

    Compared is the ink, 255 minus the pixel, summed over a grid of 16x16 cells. All sums are whole numbers that
    float64 holds exactly, so the answer is the same on every machine. A blank drawing is like nothing.
    """
    n, cell = len(images), images.shape[1] // _COARSE
    ink = 255.0 - images.reshape(n, _COARSE, cell, _COARSE, cell, 3)
    ink = ink.sum((2, 4))
    mirrored = ink[:, :, ::-1].reshape(n, -1)
    ink = ink.reshape(n, -1)
    products = np.maximum(ink @ ink.T, ink @ mirrored.T)
    squares = (ink**2).sum(1)
    return products**2 > likeness**2 * squares[:, None] * squares


def split_drawings(drawings: Iterable[Drawing], *, salt: str = "", likeness: float = LIKENESS) -> Iterator[Example]:
    """Examples in the order of their names, about a fifth for the test; a group is all drawings that are kin or alike.

    Of equal images with one label the first is kept; equal images with different labels are all left out. A group is
    called after the kin or, without, the name of its first drawing, and its split is the hash of `salt` and that.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    labels: dict[bytes, set[int]] = {}
    first: dict[bytes, Drawing] = {}
    for drawing in sorted(drawings, key=lambda drawing: drawing.name):
        labels.setdefault(drawing.image.tobytes(), set()).add(drawing.label)
        first.setdefault(drawing.image.tobytes(), drawing)
    kept = [drawing for key, drawing in first.items() if len(labels[key]) == 1]
    pairs = [np.argwhere(alike(np.stack([drawing.image for drawing in kept]), likeness))]
    kin: dict[str, int] = {}
    pairs += [np.array([[i, kin.setdefault(drawing.kin or drawing.name, i)]]) for i, drawing in enumerate(kept)]
    rows, columns = np.concatenate(pairs).T
    joined = coo_array((np.ones(len(rows), bool), (rows, columns)), shape=(len(kept),) * 2)
    component = connected_components(joined, directed=False)[1]
    leader: dict[int, str] = {}
    for drawing, number in zip(kept, component.tolist(), strict=True):
        group = leader.setdefault(number, drawing.kin or drawing.name)
        yield Example(drawing.image, drawing.label, split_by_hash(salt + group), group)
