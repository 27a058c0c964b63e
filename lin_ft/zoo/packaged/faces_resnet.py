"""dlib's face recognition network (King 2017), in 8 bits for TensorFlow.js: its scales are folded into the kernels."""

from collections.abc import Mapping

import numpy as np

from lin_ft.data.archive import Archive
from lin_ft.zoo.packaged import PackagedModel
from lin_ft.zoo.tensorflow_js import tensorflow_js_weights

_SHA256 = "0d77fffeef362ef9c0939cf6c567f3a2e8e177f114fa257a3270cbd2e509b031"


def _tensors(content: bytes, manifest: bytes) -> Mapping[str, np.ndarray]:
    """LAYER.weight = kernel * scale, LAYER.bias = bias * scale + shift, and fc.weight, (128, 256)."""
    stored = tensorflow_js_weights(manifest, content)
    tensors = {"fc.weight": stored["fc"].T}
    for name, kernel in stored.items():
        layer, _, leaf = name.rpartition("/conv/")
        if leaf == "filters":
            scale, shift = stored[f"{layer}/scale/weights"], stored[f"{layer}/scale/biases"]
            named = layer.replace("/", ".")
            tensors[f"{named}.weight"] = (kernel * scale).transpose(3, 2, 0, 1)
            tensors[f"{named}.bias"] = stored[f"{layer}/conv/bias"] * scale + shift
    return tensors


MODEL = PackagedModel(
    name="faces_resnet",
    architecture="face_resnet",
    naming="face-api",
    source="faces",
    domain="faces, identity",
    licence="MIT (package); CC0 (dlib's model)",
    archive=Archive("npm", "@vladmandic/face-api", "1.7.15", "vladmandic-face-api-1.7.15.tgz", _SHA256, 12677476),
    member="package/model/face_recognition_model.bin",
    sha256="b413e420d6840b2775fba32008db6f3cddb07d485967fb42cfcf379c16a8c589",
    second="package/model/face_recognition_model-weights_manifest.json",
    second_sha256="cbaffa501b0b9275a12b63357a6843e7e30c054e1c9151e1a5f879b26e32986b",
    image_size=150,
    mean=(122.782 / 255, 117.001 / 255, 104.298 / 255),
    std=(1.0,) * 3,
    tensors=_tensors,
    trunk=True,
)
