"""A zoo entry: a card, an architecture and weights that are read when first used."""

import contextlib
import dataclasses
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, UInt8

from lin_ft.batch_statistics import SOURCE_WEIGHT, TargetStatistics, target_statistics
from lin_ft.errors import InputError
from lin_ft.functions import ModelFunction, from_linen, logits_of
from lin_ft.typing import Params
from lin_ft.zoo.architectures import BACKBONES, LEAST_SIDE, architecture, shapes_of
from lin_ft.zoo.card import ModelCard
from lin_ft.zoo.identity import files_digest
from lin_ft.zoo.weights import load_weights


@dataclasses.dataclass(frozen=True, eq=False)
class ZooModel:
    """A pre-trained network. `variables` holds `params` and `batch_stats`, loaded and checked at first use."""

    card: ModelCard
    weights: Path
    statistics: TargetStatistics | None = dataclasses.field(default=None, kw_only=True)
    """Those of a target in place of the source's; see `on_target`."""

    @property
    def name(self) -> str:
        """Its name in the zoo, from the card."""
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
        """Both parts, {"params", "batch_stats"}, read and checked when first asked for.

        `on_target`, batch statistics are the target's.
        """
        card = self.card
        with self._named():
            shapes = shapes_of(card.architecture, max(1, card.n_classes), options=card.options)
            _ = self.weights_digest  # read with the weights: what is kept under it was made of these
            variables = load_weights(self.weights, shapes, trunk=self.trunk)
        return variables | self.statistics.function.frozen if self.statistics else variables

    def module(self, n_classes: int | None = None) -> nn.Module:
        """The Flax module with a head for `n_classes` (default: those of the source; one output where it has none)."""
        with self._named():
            return architecture(self.card.architecture)(n_classes or max(1, self.card.n_classes), **self.card.options)

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """Errors say which model of a zoo they are of, and how to go on without it."""
        try:
            yield
        except (InputError, TypeError) as error:  # a TypeError: options of a card that the architecture does not take
            reason = error if isinstance(error, InputError) else f"its card does not fit this version ({error})."
            raise InputError(f"model {self.name}: {reason} Or choose the other models by --models.") from error

    @functools.cached_property
    def function(self) -> tuple[ModelFunction, Params]:
        """(apply, params), batch statistics frozen; models of one architecture share their compiled programs."""
        return from_linen(self.module(), self.variables)

    def on_target(self, images: UInt8[np.ndarray, "n h w 3"], *, source_weight: float = SOURCE_WEIGHT) -> "ZooModel":
        """The same network where fine-tuning on `images` starts.

        BatchNorm with their statistics, shrunk towards the source's by `source_weight` images
        (`lin_ft.batch_statistics.target_statistics`).

        A network without such statistics is returned as it is. Raises InputError for images of one constant.
        """
        apply, params = self.function
        found = target_statistics(apply, params, self.normalise(images), source_weight=source_weight)
        return dataclasses.replace(self, statistics=found) if found.n_channels else self

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
            InputError: as `check_size`.
        """
        self.check_size(*images.shape[1:3])
        mean, std = (np.asarray(value, np.float32) for value in (self.card.mean, self.card.std))
        return (images.astype(np.float32) / 255 - mean) / std

    def check_size(self, height: int, width: int) -> None:
        """Whether images of this size can be given to the network; nothing is computed.

        Raises:
            InputError: a backbone that halves the side five times, and less than 32 pixels; a transformer, and sides
                that are no multiples of its patches.
        """
        if self.card.architecture not in BACKBONES:
            return
        patch = getattr(self.module(), "patch", 1)
        least = max(LEAST_SIDE, patch)
        if min(height, width) >= least and height % patch == width % patch == 0:
            return
        if patch > 1:
            lower = max(min(height, width) // patch, -(-least // patch)) * patch
            takes = f"takes images whose sides are multiples of {patch}"
            choose = f"choose --size {lower} or {lower + patch} (112 suits patches of 14 and of 16)"
        else:
            takes, choose = f"takes images from {least} pixels on", f"choose a larger size, --size {least} or more"
        raise InputError(f"model {self.name} {takes}, not {height} x {width}: {choose}, or other models by --models.")
