"""Flax architectures, one file each."""

from lin_ft.models.resnet import ResNet, resnet20, resnet20_adapters

__all__ = ["ResNet", "resnet20", "resnet20_adapters"]
