"""UCI pendigits (Alpaydin, Alimoglu): eight tablet points a digit, drawn as a smooth black line on white."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from lin_ft.data.keel import ARCHIVE, LICENCE, read_keel
from lin_ft.data.packaged import Example, PackagedDataset, split_by_hash

_SIZE, _FINE, _MARGIN, _PEN = 32, 8, 4, 2.2


def draw_stroke(points: np.ndarray) -> np.ndarray:
    """A polyline (8, 2) of x and y in [0, 100], y upwards, as an anti-aliased 32x32 uint8 image."""
    from PIL import Image, ImageDraw

    scale = (_SIZE - 2 * _MARGIN) * _FINE / 100
    corners = [(_MARGIN * _FINE + x * scale, _MARGIN * _FINE + (100 - y) * scale) for x, y in points.tolist()]
    image = Image.new("L", (_SIZE * _FINE, _SIZE * _FINE), 255)
    pen = ImageDraw.Draw(image)
    pen.line(corners, fill=0, width=round(_PEN * _FINE), joint="curve")
    radius = _PEN * _FINE / 2
    for x, y in (corners[0], corners[-1]):
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=0)
    return np.asarray(image.resize((_SIZE, _SIZE), Image.Resampling.BOX))


def _examples(paths: Sequence[Path]) -> Iterator[Example]:
    values, classes = read_keel(paths[0], "penbased")
    for points, digit in zip(values.reshape(-1, 8, 2), classes, strict=True):
        yield Example(draw_stroke(points), int(digit), split_by_hash(points.tobytes()))


DATASET = PackagedDataset(
    name="pendigits",
    version="1.0.0",
    domain="pen strokes",
    title="Pen-based recognition of handwritten digits, drawn from tablet points",
    licence=LICENCE,
    kind="source",
    class_names=tuple("0123456789"),
    archives=(ARCHIVE,),
    examples=_examples,
)
