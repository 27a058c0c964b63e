"""What is kept of each weight's gradients until pairs of examples are multiplied, and what each form costs.

For out = X W (`lin_ft.autodiff.products`) the gradient of combination c at example i is X_iᵀ G_ic, with X_i (T, K) the
layer's inputs and G_ic (T, O) the cotangent of its outputs. Each weight takes the cheapest of

- rows: X_iᵀ G_ic itself, T K O multiply-adds a row; K O numbers kept, and multiply-adds a pair and combination;
- `Unformed`: X and G, of which rows are made slice by slice when pairs are multiplied: the same multiply-adds, and
  fewer numbers to keep where T (c_in + p O) < p K O, as in the last layers of a network;
- `Factors`, sample space: <X_iᵀ G_ic, X_jᵀ G_je> = sum_ts (X_i X_jᵀ)_ts (G_ic G_jeᵀ)_ts, without any weight gradient,
  T² (K + C O) a pair, so K + C O for a dense layer on features (T = 1) instead of C K O.
"""

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from lin_ft.autodiff.products import Product
from lin_ft.autodiff.weight_uses import Use

PARTNERS = 256
"""Pairs that a row takes part in: over so many the cost of forming it is spread."""
WORTH_KEEPING = 0.75
"""`Unformed` where it takes less than this share of the rows' memory."""


class Factors(NamedTuple):
    """Rows of one weight in sample space."""

    inputs: Any
    """X, (n, T, K)."""
    cotangents: Any
    """G, (n, p, T, O)."""


@functools.partial(
    jax.tree_util.register_dataclass, data_fields=["data", "cotangents"], meta_fields=["product", "full"]
)
@dataclass(frozen=True)
class Unformed:
    """What the rows of one weight are made of."""

    data: Any
    """(n, ...), of which `product` makes X."""
    cotangents: Any
    """G, (n, T, p, O)."""
    product: Product
    full: bool
    """Whether rows of different combinations are multiplied too."""


class SpaceCosts(NamedTuple):
    """Multiply-adds of one weight in both spaces."""

    samples: float
    """Of a pair of examples in sample space; infinite where that is not possible."""
    parameters: float
    """Of a pair in parameter space."""
    form: float
    """Of forming one example's rows in parameter space."""

    @property
    def samples_win(self) -> bool:
        """Whether sample space is cheaper, when a row meets PARTNERS others."""
        return self.samples < self.parameters + 2 * self.form / PARTNERS


def space_costs(uses: Sequence[Use], count: int, full: bool) -> SpaceCosts:
    """For `count` combinations; `full`: products between different combinations too."""
    first = uses[0].product
    positions, squared = sum(use.product.positions for use in uses), count**2 if full else count
    weight = first.inner * first.groups * first.outer
    parameters, form = squared * weight, count * sum(use.product.positions for use in uses) * weight
    if any(use.weight.make or use.product.groups > 1 or use.product.kind != first.kind for use in uses):
        return SpaceCosts(float("inf"), parameters, form)
    if positions == 1:
        return SpaceCosts(first.inner + squared * first.outer, parameters, form)
    samples = positions**2 * (first.inner + count * first.outer) + squared * positions * first.outer
    return SpaceCosts(2.0 * samples, parameters, form)  # many small products instead of a large one


@dataclass(frozen=True)
class Forming:
    """(data, cotangents) of the uses of one weight -> what is kept of it.

    Layers of one kind and size are equal here, and share one compiled program.
    """

    kind: str
    """`factors`, `unformed` or `rows`."""
    products: tuple[Product, ...]
    shapes: tuple[tuple[int, ...], ...]
    """Of one example's data, for each use."""
    outputs: tuple[tuple[int, ...], ...]
    """Of one example's output, for each use."""
    count: int
    full: bool
    """Whether rows of different combinations are multiplied too."""
    ordered: bool
    """Whether rows have the order of the leaf. For sums over all of a row they need not, and no copy is made."""

    def __call__(self, data: Sequence[Any], cotangents: Sequence[Any]) -> Any:
        """What is kept of the weight: `Factors`, `Unformed` or rows (n, p, size)."""
        data = [values.reshape(-1, *shape) for values, shape in zip(data, self.shapes, strict=True)]
        cotangents = [g.reshape(-1, self.count, *out) for g, out in zip(cotangents, self.outputs, strict=True)]
        if self.kind == "unformed":
            product = self.products[0]
            g = jax.vmap(jax.vmap(product.cotangents))(cotangents[0])[:, :, :, 0]
            return Unformed(data[0], jnp.swapaxes(g, 1, 2), product, self.full)
        uses = list(zip(self.products, data, cotangents, strict=True))
        if self.kind == "factors":
            x = jnp.concatenate([jax.vmap(form.inputs)(values)[:, :, 0] for form, values, _ in uses], axis=1)
            g = [jax.vmap(jax.vmap(form.cotangents))(values)[:, :, :, 0] for form, _, values in uses]
            return Factors(x, jnp.concatenate(g, axis=2))
        terms = [gradients(*use, ordered=self.ordered) for use in uses]
        return functools.reduce(jnp.add, terms).reshape(len(data[0]), self.count, -1)

    @property
    def compiled(self) -> Callable[..., Any]:
        """The same as one jitted program, kept for all equal formings."""
        return _compiled(self)


@functools.lru_cache(maxsize=1024)
def _compiled(forming: Forming) -> Callable[..., Any]:
    return jax.jit(forming.__call__)


def forming(uses: Sequence[Use], count: int, *, full: bool, factors: bool) -> Forming:
    """The cheapest form of a weight; without `factors` plain gradients."""
    products = tuple(use.product for use in uses)
    if factors and space_costs(uses, count, full).samples_win:
        kind = "factors"
    elif factors and _stays_unformed(uses, count):
        kind = "unformed"
    else:
        kind = "rows"
        if count == 1 and len(uses) == 1 and products[0].separable is not None:
            products = (products[0].separable,)
    shapes, outputs = tuple(use.data.shape for use in uses), tuple(use.output.shape for use in uses)
    ordered = full or not factors or len({type(product) for product in products}) > 1
    return Forming(kind, products, shapes, outputs, count, full, ordered)


def gradients(form: Product, data: Any, cotangents: Any, *, ordered: bool) -> Any:
    """(n, *data), (n, p, *output) -> gradients in the weight, (n, p, *weight).

    Not `ordered`: in any fixed order of all axes but the first, as the product gives them.
    """
    direct = form.gradients(data, cotangents)
    if direct is not None:
        return direct
    x, g = jax.vmap(form.inputs)(data), jax.vmap(jax.vmap(form.cotangents))(cotangents)
    if form.groups == 1:  # an axis of length 1 would cost XLA's CPU product half its speed
        dw = jnp.einsum("itk,ipto->ikpo", x[:, :, 0], g[:, :, :, 0], precision=jax.lax.Precision.HIGHEST)[:, :, None]
    else:
        dw = jnp.einsum("itgk,iptgo->ikgpo", x, g, precision=jax.lax.Precision.HIGHEST)
    return jax.vmap(jax.vmap(form.gradient, in_axes=2))(dw) if ordered else dw


def _stays_unformed(uses: Sequence[Use], count: int) -> bool:
    """Whether X and G of a weight are so much less than its rows that they are kept in their place."""
    product = uses[0].product
    if len(uses) > 1 or product.groups > 1:
        return False
    kept = math.prod(uses[0].data.shape) + count * product.positions * product.outer
    return kept < WORTH_KEEPING * count * product.inner * product.outer
