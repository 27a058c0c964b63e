"""Architectures by name, and the shapes of their variables."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import numpy as np

from lin_ft import models
from lin_ft.errors import InputError

ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {
    name: getattr(models, name)
    for name in (
        "resnet20", "resnet20_adapters", "resnet18", "resnet34", "resnet50", "resnet101", "densenet169", "mobilenet_v2",
        "efficientnet_b0", "efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2", "squeezenet_11",
        "convnext_tiny", "vit_tiny_16", "vit_small_16", "vit_base_16", "dinov2_small_14", "thin_resnet50",
        "mobilenet_v1", "efficientnet_v2_fused", "face_resnet",
    )
}  # fmt: skip
"""Name -> function of the number of classes and of the card's options. The module has `features(x, train)` and a Dense
named `head`."""

BACKBONES = frozenset(ARCHITECTURES) - {"resnet20", "resnet20_adapters"}
LEAST_SIDE = 32
"""Pixels of a backbone's images: of smaller ones nothing is left after its strides."""


def architecture(name: str) -> Callable[..., nn.Module]:
    """The function that builds the network of that name; InputError with all names where there is none."""
    if name not in ARCHITECTURES:
        raise InputError(f"architecture {name!r}: unknown; one of {', '.join(ARCHITECTURES)}.")
    return ARCHITECTURES[name]


def shapes_of(name: str, n_classes: int, *, options: Mapping[str, Any]) -> Any:
    """Shapes of all variables of an architecture; nothing is computed."""
    return _shapes(name, n_classes, tuple(sorted(options.items())))


@functools.cache
def _shapes(name: str, n_classes: int, options: tuple[tuple[str, Any], ...] = ()) -> Any:
    module = architecture(name)(n_classes, **dict(options))
    side = 2 * getattr(module, "patch", 16)
    return jax.eval_shape(module.init, jax.random.key(0), jax.ShapeDtypeStruct((1, side, side, 3), np.float32))
