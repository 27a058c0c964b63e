"""UCI satimage (Statlog, Landsat MSS): 3x3 pixels of soils and crops in false colour, split by pixel hash.

The two infra-red bands and red, which are bands 4, 2 and 1 of the file, become red, green and blue.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from lin_ft.data.keel import ARCHIVE, LICENCE, read_keel
from lin_ft.data.packaged import Example, PackagedDataset, split_by_hash

_CLASSES = {
    1: "red soil",
    2: "cotton crop",
    3: "grey soil",
    4: "damp grey soil",
    5: "vegetation stubble",
    7: "very damp grey soil",
}


def _examples(paths: Sequence[Path]) -> Iterator[Example]:
    values, classes = read_keel(paths[0], "satimage")
    labels = {number: label for label, number in enumerate(_CLASSES)}
    images = values.reshape(-1, 3, 3, 4)[..., [3, 1, 0]].astype(np.uint8)
    for image, number in zip(images, classes, strict=True):
        yield Example(image, labels[int(number)], split_by_hash(image.tobytes()))


DATASET = PackagedDataset(
    name="satimage",
    version="1.0.0",
    domain="satellite images, 3x3 pixels",
    title="Land cover in Landsat multi-spectral pixels",
    licence=LICENCE,
    kind="target",
    class_names=tuple(_CLASSES.values()),
    archives=(ARCHIVE,),
    examples=_examples,
)
