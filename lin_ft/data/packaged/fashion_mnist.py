"""Fashion-MNIST (Xiao, Rasul, Vollgraf 2017), complete, from Debian, under its official TFDS name."""

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from lin_ft.data.archive import Archive
from lin_ft.data.packaged import Example, PackagedDataset, Split
from lin_ft.data.unpack import members

_FILES: dict[str, Split] = {"train": "train", "t10k": "test"}
_SHA256 = "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0"
_FILENAME = "dataset-fashion-mnist_0.0~git20200523.55506a9-1_all.deb"
_CLASSES = "T-shirt/top|Trouser|Pullover|Dress|Coat|Sandal|Shirt|Sneaker|Bag|Ankle boot"


def _examples(paths: Sequence[Path]) -> Iterator[Example]:
    files = {Path(name).name: gzip.decompress(c) for name, c in members(paths[0], lambda name: "ubyte" in name)}
    for stem, split in _FILES.items():
        # idx files: a big-endian header of 16 bytes (images) or 8 bytes (labels), then raw bytes
        images = np.frombuffer(files[f"{stem}-images-idx3-ubyte.gz"], np.uint8, offset=16).reshape(-1, 28, 28)
        labels = np.frombuffer(files[f"{stem}-labels-idx1-ubyte.gz"], np.uint8, offset=8)
        for image, label in zip(images, labels, strict=True):
            yield Example(image, int(label), split)


DATASET = PackagedDataset(
    name="fashion_mnist",
    version="3.0.1",
    domain="product photos, grey",
    title="Fashion-MNIST: Zalando articles",
    licence="MIT",
    kind="source",
    class_names=tuple(_CLASSES.split("|")),
    archives=(Archive("apt", "dataset-fashion-mnist", "0.0~git20200523.55506a9-1", _FILENAME, _SHA256, 30900652),),
    examples=_examples,
)
