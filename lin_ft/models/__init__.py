"""Flax architectures, one file each.

Every network is a linen module for images (n, h, w, 3), float, normalised. `setup` names its parts, as paths of weights
show them; `features(x, train)` gives phi (n, d), what the head sees; `__call__(x, train)` gives the logits
phi W + b (n, C). With `train`, BatchNorm takes the batch's own statistics. Parts of networks are modules that map
activations to activations.
"""

from lin_ft.models.convnext import ConvNeXt, convnext_tiny
from lin_ft.models.densenet import DenseNet, densenet169
from lin_ft.models.efficientnet import (
    EfficientNet,
    efficientnet_b0,
    efficientnet_lite0,
    efficientnet_lite1,
    efficientnet_lite2,
)
from lin_ft.models.efficientnet_v2 import FusedTrunk, efficientnet_v2_fused
from lin_ft.models.face_resnet import FaceResNet, face_resnet
from lin_ft.models.mobilenet_v1 import MobileNetV1, mobilenet_v1
from lin_ft.models.mobilenet_v2 import MobileNetV2, mobilenet_v2
from lin_ft.models.resnet import ResNet, resnet20, resnet20_adapters
from lin_ft.models.resnet_v15 import ResNetV15, resnet18, resnet34, resnet50, resnet101, thin_resnet50
from lin_ft.models.squeezenet import SqueezeNet, squeezenet_11
from lin_ft.models.vit import ViT, dinov2_small_14, vit_base_16, vit_small_16, vit_tiny_16

__all__ = [
    "ConvNeXt",
    "DenseNet",
    "EfficientNet",
    "FaceResNet",
    "FusedTrunk",
    "MobileNetV1",
    "MobileNetV2",
    "ResNet",
    "ResNetV15",
    "SqueezeNet",
    "ViT",
    "convnext_tiny",
    "densenet169",
    "dinov2_small_14",
    "efficientnet_b0",
    "efficientnet_lite0",
    "efficientnet_lite1",
    "efficientnet_lite2",
    "efficientnet_v2_fused",
    "face_resnet",
    "mobilenet_v1",
    "mobilenet_v2",
    "resnet18",
    "resnet20",
    "resnet20_adapters",
    "resnet34",
    "resnet50",
    "resnet101",
    "squeezenet_11",
    "thin_resnet50",
    "vit_base_16",
    "vit_small_16",
    "vit_tiny_16",
]
