"""Flax models of the user's own, linen or nnx, as zoo entries in memory."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from lin_ft.errors import InputError
from lin_ft.functions import ModelFunction, from_linen, from_nnx
from lin_ft.typing import Params
from lin_ft.zoo.card import ModelCard
from lin_ft.zoo.identity import leaves_digest
from lin_ft.zoo.model import ZooModel


def from_flax(
    name: str,
    module: Any,
    variables: Mapping[str, Any] | None = None,
    *,
    image_size: int,
    mean: Sequence[float] = (0.5, 0.5, 0.5),
    std: Sequence[float] = (0.5, 0.5, 0.5),
    class_names: Sequence[str] = (),
    source: str = "",
    domain: str = "",
) -> ZooModel:
    """A zoo entry of a linen module with its `variables`, or of an nnx module, which holds its own.

    The module needs a method `features(x)` that gives phi, (n, d), and a Dense (nnx: Linear) named `head` on top of it,
    the contract of `lin_ft.from_linen`; a linen module takes the number of classes as its field `n_classes`. Pixels in
    [0, 1] reach it as (x - mean) / std. nnx modules can be ranked, not fine-tuned: their heads are not built anew.

    Args:
        name: of the entry.
        module: linen or nnx, of the form above.
        variables: {"params", ...} of a linen module.
        image_size: pixels a side that it takes.
        mean: of each channel, taken off pixels in [0, 1].
        std: of each channel, that they are divided by.
        class_names: of its own head.
        source: data that it was trained on.
        domain: of these data, in a word.

    Examples:
        >>> import jax, jax.numpy as jnp
        >>> from flax import linen as nn
        >>> from lin_ft.zoo import from_flax
        >>> class Net(nn.Module):
        ...     n_classes: int = 2
        ...     def setup(self):
        ...         self.conv, self.head = nn.Conv(4, (3, 3)), nn.Dense(self.n_classes)
        ...     def features(self, x, train=False):
        ...         return nn.relu(self.conv(x)).mean((1, 2))
        ...     def __call__(self, x, train=False):
        ...         return self.head(self.features(x, train))
        >>> model = from_flax("mine", Net(), Net().init(jax.random.key(0), jnp.zeros((1, 8, 8, 3))), image_size=8)
        >>> model.name, model.card.n_params
        ('mine', 122)

    Raises:
        InputError: no separate head; linen without variables or `n_classes`; weights that are not finite.
    """
    linen = isinstance(module, nn.Module)
    if linen and variables is None:
        raise InputError(f"model {name!r}: a linen module needs its variables.")
    function, params = from_linen(module, variables) if linen and variables is not None else from_nnx(module)
    if not function.has_head:
        raise InputError(f"model {name!r}: it needs a method `features` and a layer `head`.")
    if linen and "n_classes" not in getattr(module, "__dataclass_fields__", {}):
        raise InputError(f"model {name!r}: the module needs a field `n_classes`, for heads of other tasks.")
    names = tuple(class_names) or tuple(str(index) for index in range(params["head"]["kernel"].shape[1]))
    card = ModelCard(
        name=name, architecture=type(module).__name__, source=source or name, domain=domain, class_names=names,
        image_size=image_size, mean=tuple(mean), std=tuple(std),
        n_params=sum(jnp.size(leaf) for leaf in jax.tree.leaves(params)), n_train=0, n_test=0, test_accuracy=0.0,
        licence="", command="", commit="", hardware="", seconds=0.0, seed=0, recipe={},
    )  # fmt: skip
    return FlaxModel(card, Path(), module, dict(variables or {}), (function, params))


@dataclasses.dataclass(frozen=True, eq=False)
class FlaxModel(ZooModel):
    """A zoo entry that lies in memory."""

    own: Any
    held: dict[str, Any]
    made: tuple[ModelFunction, Params]

    @functools.cached_property
    def weights_digest(self) -> str:
        """SHA-256 of all leaves with their paths, and of the module with its fields: there is no file to hash."""
        function, params = self.made
        return leaves_digest(str(self.own) if self.held else type(self.own).__qualname__, params, function.frozen)

    @functools.cached_property
    def variables(self) -> dict[str, Any]:
        """{"params", "batch_stats"} as given; InputError for nnx modules."""
        if not self.held:
            raise InputError(f"model {self.name!r}: nnx modules cannot be fine-tuned here; give it as a linen module.")
        return self.held | self.statistics.function.frozen if self.statistics else self.held

    def module(self, n_classes: int | None = None) -> nn.Module:
        """The module as given, with `n_classes` outputs where a number is named; InputError for nnx modules."""
        if not self.held:
            raise InputError(f"model {self.name!r}: nnx modules cannot be fine-tuned here; give it as a linen module.")
        return self.own.clone(n_classes=n_classes) if n_classes else self.own

    @functools.cached_property
    def function(self) -> tuple[ModelFunction, Params]:
        """(model function, params) of the module; with the target's batch statistics `on_target`."""
        function, params = self.made
        return (self.statistics.function if self.statistics else function), params
