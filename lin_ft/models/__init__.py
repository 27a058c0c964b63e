"""Flax architectures, one file each."""

from lin_ft.models.resnet import ResNet, resnet20

__all__ = ["ResNet", "resnet20"]
