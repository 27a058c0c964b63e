"""Animal silhouettes from animal-shape-mnist, without its exact duplicates, split by pixel hash.

The package does not name its classes; the names come from looking. Its zebras keep their stripes in grey.
"""

import gzip
import io
import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from lin_ft.data.archive import Archive
from lin_ft.data.packaged import Example, PackagedDataset, split_by_hash
from lin_ft.data.unpack import member

_SHA256 = "e97143ae2d7aa6e320af430c9a5ca78fa9fda58b015e6937499e90f127bc95d1"
_FOLDER = "animal_shape_mnist/data/Animal Shape"
_ADMITTED = {("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode")}
_ADMITTED_NUMPY = {"_reconstruct", "_frombuffer", "scalar"}


class ArrayUnpickler(pickle.Unpickler):
    """Reads a pickled numpy array and nothing else: any other name in the stream is refused unused."""

    def find_class(self, module: str, name: str):
        """As pickle asks: the class or function of that name, if a plain numpy array needs it."""
        core = module in (
            "numpy.core.multiarray",
            "numpy._core.multiarray",
            "numpy._core.numeric",
            "numpy.core.numeric",
        )
        if (core and name in _ADMITTED_NUMPY) or (module, name) in _ADMITTED:
            return super().find_class(module.replace("numpy.core", "numpy._core"), name)
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a numpy array")


def _array(content: bytes) -> np.ndarray:
    return np.asarray(ArrayUnpickler(io.BytesIO(gzip.decompress(content))).load())


def _examples(paths: Sequence[Path]) -> Iterator[Example]:
    images = _array(member(paths[0], f"{_FOLDER}/animal_data_version_3.gz")).reshape(-1, 28, 28)
    labels = _array(member(paths[0], f"{_FOLDER}/animal_label_version_3.gz")).reshape(-1)
    seen: set[bytes] = set()
    for image, label in zip(images, labels, strict=True):
        key = image.tobytes()
        if key not in seen:
            seen.add(key)
            yield Example(image.astype(np.uint8), int(label), split_by_hash(key))


DATASET = PackagedDataset(
    name="animal_silhouettes",
    version="1.0.0",
    domain="silhouettes of animals",
    title="Animal shapes segmented from photographs",
    licence="MIT",
    kind="source",
    class_names=("bear", "bird", "cat", "cow", "dog", "elephant", "giraffe", "horse", "sheep", "zebra"),
    archives=(
        Archive("pip", "animal-shape-mnist", "0.39", "animal_shape_mnist-0.39-py3-none-any.whl", _SHA256, 2626275),
    ),
    examples=_examples,
)
