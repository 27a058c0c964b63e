"""A zoo entry: a card, an architecture and weights that are read when first used."""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, UInt8

from lin_ft import models
from lin_ft.errors import InputError
from lin_ft.functions import ModelFunction, from_linen, logits_of
from lin_ft.typing import Params
from lin_ft.zoo.card import ModelCard, load_card
from lin_ft.zoo.identity import files_digest
from lin_ft.zoo.weights import load_weights

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

REFERENCE = "cifar10-resnet20"
"""The model whose accuracy gains are measured against: the part ImageNet plays in the paper."""

EMBEDDED = Path(__file__).parent / "embedded"
MULTI_DOMAIN = EMBEDDED / "multi_domain"


def architecture(name: str) -> Callable[..., nn.Module]:
    if name not in ARCHITECTURES:
        raise InputError(f"architecture {name!r}: unknown; one of {', '.join(ARCHITECTURES)}.")
    return ARCHITECTURES[name]


@dataclasses.dataclass(frozen=True, eq=False)
class ZooModel:
    """A pre-trained network. `variables` holds `params` and `batch_stats`, loaded and checked at first use."""

    card: ModelCard
    weights: Path

    @property
    def name(self) -> str:
        return self.card.name

    @property
    def trunk(self) -> Path | None:
        """The second weights file, where the card names one."""
        return self.weights.with_name(self.card.trunk) if self.card.trunk else None

    @functools.cached_property
    def weights_digest(self) -> str:
        """SHA-256 of the weights as they lie on disk, then the trunk: that of the card, unless a file was exchanged."""
        return files_digest(self.weights, *([self.trunk] if self.trunk else []))

    @functools.cached_property
    def variables(self) -> dict[str, Any]:
        card = self.card
        shapes = shapes_of(card.architecture, max(1, card.n_classes), options=card.options)
        _ = self.weights_digest  # read with the weights: what is kept under it was made of these
        return load_weights(self.weights, shapes, trunk=self.trunk)

    def module(self, n_classes: int | None = None) -> nn.Module:
        """The Flax module with a head for `n_classes` (default: those of the source; one output where it has none)."""
        return architecture(self.card.architecture)(n_classes or max(1, self.card.n_classes), **self.card.options)

    @functools.cached_property
    def function(self) -> tuple[ModelFunction, Params]:
        """(apply, params), batch statistics frozen; models of one architecture share their compiled programs."""
        return from_linen(self.module(), self.variables)

    def source_logits(self, x: Float[np.ndarray, "n h w 3"]) -> Float[np.ndarray, "n C"]:
        """What the source's classifier says of normalised images; of SqueezeNet it is not linear in the features.

        Raises:
            InputError: a model without classes of its own.
        """
        if not self.card.n_classes:
            raise InputError(f"{self.name} has no classes of its own")
        module, (apply, params) = self.module(), self.function
        if hasattr(module, "source_logits"):
            return np.asarray(module.apply(self.variables, jnp.asarray(x), method="source_logits"))
        return np.asarray(logits_of(apply, params, x))

    def normalise(self, images: UInt8[np.ndarray, "n h w 3"]) -> Float[np.ndarray, "n h w 3"]:
        """Pixels 0..255 to the input the network was trained on: (x / 255 - mean) / std.

        Raises:
            InputError: a backbone that halves the side five times, and images of less than 32 pixels.
        """
        if self.card.architecture in BACKBONES and min(images.shape[1:3]) < LEAST_SIDE:
            side = f"{images.shape[1]} x {images.shape[2]}"
            raise InputError(f"{self.name} takes images from {LEAST_SIDE} pixels on, not {side}: choose a larger size.")
        mean, std = (np.asarray(value, np.float32) for value in (self.card.mean, self.card.std))
        return (images.astype(np.float32) / 255 - mean) / std


def shapes_of(name: str, n_classes: int, *, options: Mapping[str, Any]) -> Any:
    """Shapes of all variables of an architecture; nothing is computed."""
    return _shapes(name, n_classes, tuple(sorted(options.items())))


@functools.cache
def _shapes(name: str, n_classes: int, options: tuple[tuple[str, Any], ...] = ()) -> Any:
    module = architecture(name)(n_classes, **dict(options))
    side = 2 * getattr(module, "patch", 16)
    return jax.eval_shape(module.init, jax.random.key(0), jax.ShapeDtypeStruct((1, side, side, 3), np.float32))


def load_zoo(folder: str | Path) -> list[ZooModel]:
    """All entries of a folder: each NAME.json (card) beside its NAME.safetensors; the reference model first."""
    folder = Path(folder)
    cards = sorted(folder.glob("*.json")) if folder.is_dir() else []
    if not cards:
        raise InputError(f"zoo {str(folder)!r}: no model cards there; give a folder that `lin-ft zoo train` wrote.")
    models = [ZooModel(load_card(path), path.with_suffix(".safetensors")) for path in cards]
    return sorted(models, key=lambda model: (model.name != REFERENCE, model.name))


def embedded_zoo() -> list[ZooModel]:
    """The zoo shipped inside the package: ResNet-20, one for each source of another domain."""
    return load_zoo(EMBEDDED)


def multi_domain_zoo() -> list[ZooModel]:
    """Shipped too: slices of networks trained on those eight sources at once, and an expert trained on from one."""
    return load_zoo(MULTI_DOMAIN)


def named_zoo(name: str | Path) -> list[ZooModel]:
    """embedded; multi_domain; packaged or user: what `lin-ft zoo fetch` and `lin-ft zoo add` put there; or a folder.

    Several joined by commas are one zoo: "embedded,multi_domain".

    Raises:
        InputError: no models there, or two of one name.
    """
    parts = [] if Path(name).is_dir() else str(name).split(",")
    if len(parts) > 1:
        models = [model for part in parts for model in named_zoo(part)]
        names = [model.name for model in models]
        if twice := sorted({each for each in names if names.count(each) > 1}):
            raise InputError(f"zoo {str(name)!r}: {', '.join(twice)} come twice; name each zoo once.")
        return models
    if name == "embedded":
        return embedded_zoo()
    if name == "multi_domain":
        return multi_domain_zoo()
    if name == "packaged":
        from lin_ft.zoo.packaged import packaged_zoo

        if not packaged_zoo().is_dir():
            raise InputError("zoo packaged: it is not here yet; run `lin-ft zoo fetch packaged` once.")
        return load_zoo(packaged_zoo())
    if name == "user":
        from lin_ft.zoo.foreign import user_zoo

        return load_zoo(user_zoo())
    return load_zoo(name)


def select(zoo: Sequence[ZooModel], names: Sequence[str]) -> list[ZooModel]:
    """Those entries, in the order given; 'cifar10' stands for 'cifar10-resnet20' where that is unambiguous."""
    chosen = []
    for name in names:
        matches = [model for model in zoo if model.name == name]
        matches = matches or [model for model in zoo if (model.card.source, model.card.family) == (name, "single")]
        if len(matches) != 1:
            known = ", ".join(model.name for model in zoo)
            raise InputError(f"model {name!r}: {'ambiguous' if matches else 'unknown'}; the zoo has {known}.")
        chosen += matches
    return chosen
