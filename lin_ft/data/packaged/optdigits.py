"""UCI optdigits (Alpaydin, Kaynak): handwritten digits as 8x8 ink counts, white on black; split by pixel hash.

The `digits` of scikit-learn are the test part of this set: never use both.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from lin_ft.data.keel import ARCHIVE, LICENCE, read_keel
from lin_ft.data.packaged import Example, PackagedDataset, split_by_hash


def _examples(paths: Sequence[Path]) -> Iterator[Example]:
    values, classes = read_keel(paths[0], "optdigits")
    images = np.rint(values.reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    for image, digit in zip(images, classes, strict=True):
        yield Example(image, int(digit), split_by_hash(image.tobytes()))


DATASET = PackagedDataset(
    name="optdigits",
    version="1.0.0",
    domain="handwritten digits, 8x8",
    title="Optical recognition of handwritten digits",
    licence=LICENCE,
    kind="target",
    class_names=tuple("0123456789"),
    archives=(ARCHIVE,),
    examples=_examples,
)
