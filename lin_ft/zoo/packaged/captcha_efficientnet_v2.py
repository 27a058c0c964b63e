"""The convolutions of ddddocr's reader of captchas (8,210 symbols): an ONNX graph with BatchNorm folded.

It reads grey images; the stem takes RGB here, weighted as in the luma of ITU-R BT.601. The recurrent layers behind the
convolutions are left out.
"""

from collections.abc import Mapping

import numpy as np

from lin_ft.data.archive import Archive
from lin_ft.zoo.packaged import PackagedModel
from lin_ft.zoo.protobuf import onnx_nodes, onnx_weights

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_SHA256 = "c7c70f4ae2d0335440ae8b272eea48c9f6888ecef46785fe2311f0c97a133935"


def _tensors(content: bytes) -> Mapping[str, np.ndarray]:
    weights, tensors = onnx_weights(content), {}
    convolutions = [inputs for operation, inputs, _ in onnx_nodes(content) if operation == "Conv"]
    for index, (_, kernel, bias) in enumerate(convolutions):
        tensors |= {f"conv{index}.weight": weights[kernel], f"conv{index}.bias": weights[bias]}
    tensors["conv0.weight"] = tensors["conv0.weight"] * LUMA[:, None, None]
    return tensors


MODEL = PackagedModel(
    name="captcha_efficientnet_v2",
    architecture="efficientnet_v2_fused",
    naming="ddddocr",
    source="captcha",
    domain="pictures of text",
    licence="MIT",
    archive=Archive("pip", "ddddocr", "1.6.1", "ddddocr-1.6.1-py3-none-any.whl", _SHA256, 75983593),
    member="ddddocr/common.onnx",
    sha256="33b5cd351ee94e73a6bf8fa18c415ed8b819b3ffd342e267c30d8ad8334e34e8",
    image_size=64,
    mean=(0.0,) * 3,
    std=(1.0,) * 3,
    tensors=_tensors,
    trunk=True,
)
