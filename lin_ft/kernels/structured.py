"""Structured contraction: inner products of per-example gradients, layer by layer, from what each layer saw.

For out = X W (dense layers, and convolutions by their patches; `products.py`) the gradient of combination c in W is
X_iᵀ G_ic, with X_i (T, K) the layer's inputs and G_ic (T, O) the cotangent of its outputs. One reverse pass with
respect to the outputs of all layers gives every G_ic; then each weight takes the cheaper of

- parameter space: form X_iᵀ G_ic, T K O multiply-adds a row, and contract it, K O a pair and combination;
- sample space: <X_iᵀ G_ic, X_jᵀ G_je> = sum_ts (X_i X_jᵀ)_ts (G_ic G_jeᵀ)_ts, without any weight gradient,
  T² (K + C O) a pair, so K + C O for a dense layer on features (T = 1) instead of C K O.

A weight used several times has its X and G joined along T. Normalisation scales, biases, embeddings and what has no
such form get their gradients by plain differentiation in the same reverse pass: never a wrong number.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from lin_ft.autodiff.products import Product
from lin_ft.autodiff.weight_uses import Use, Walk, find
from lin_ft.trainable import merge

PARTNERS = 256
"""Pairs that a row takes part in: over so many the cost of forming it is spread."""
ROWS_AT_ONCE = 64
"""Rows (examples times combinations) of one reverse pass on a CPU: more gain nothing there."""

SLICE = 1024
"""Gradient entries that two blocks of rows are multiplied in at a time on a CPU: they stay in its cache."""


class Factors(NamedTuple):
    """Rows of one weight in sample space."""

    inputs: Any
    """X, (n, T, K)."""
    cotangents: Any
    """G, (n, p, T, O)."""


@dataclass(frozen=True)
class StructuredRows:
    """Rows of a few examples in one reverse pass: for each trainable leaf (n, p, size) or `Factors`."""

    of: str
    """What the combinations combine: `logits` or `features`."""
    full: bool
    """Whether rows of different combinations are multiplied too."""
    factors: bool = True
    """Whether sample space is allowed; without it every row is a plain gradient."""

    def __call__(self, shared: Any, x: Any) -> list[Any]:
        chosen, combinations = shared[1], jnp.asarray(shared[3])
        leaves = jax.tree.leaves(chosen)
        constants = (shared[0], shared[2])
        function = output_function(self.of, jax.tree.structure(chosen))
        jaxpr, found, _ = find(function, leaves, constants, x[0])
        flat = jax.tree.leaves(constants)
        plain = sorted(found.plain)
        products = _products(found.uses, len(combinations), self.full, self.factors)

        def outputs(deltas: Any, plain_leaves: Any, xi: Any) -> tuple[Any, Any]:
            walk = Walk(len(leaves), len(flat), found.plain, deltas)
            values = list(leaves)
            for index, value in zip(plain, plain_leaves, strict=True):
                values[index] = value
            (out,) = walk(jaxpr, [*values, *flat, xi])
            return out, [use.data for use in walk.uses]

        def one(xi: Any) -> tuple[Any, Any, Any]:
            zeros = [jnp.zeros(use.output.shape, use.output.dtype) for use in found.uses]
            out, pull, data = jax.vjp(
                lambda deltas, rest: outputs(deltas, rest, xi), zeros, [leaves[index] for index in plain], has_aux=True
            )
            directions = combinations.astype(out.dtype)
            if len(directions) == 1:
                cotangents, gradients = jax.tree.map(lambda leaf: leaf[None], pull(directions[0]))
            else:
                cotangents, gradients = jax.vmap(pull)(directions)
            inputs = [form.inputs(value) for form, value in zip(products, data, strict=True)]
            forms = [jax.vmap(form.cotangents)(value) for form, value in zip(products, cotangents, strict=True)]
            return inputs, forms, gradients

        again = Walk(len(leaves), len(flat), found.plain)  # for weights made from leaves, with this trace's values
        again(jaxpr, [*leaves, *flat, x[0]])

        inputs, forms, gradients = jax.vmap(one)(x)
        rows: list[Any] = []
        for index, leaf in enumerate(leaves):
            mine = [number for number, use in enumerate(found.uses) if use.weight.leaf == index]
            uses = [again.uses[number] for number in mine]
            pairs = [(inputs[number], forms[number]) for number in mine]
            shapes = [products[number] for number in mine]
            if index in found.plain:
                row = gradients[plain.index(index)]
            elif not mine:
                row = jnp.zeros((len(x), len(combinations), leaf.size), leaf.dtype)
            elif self.factors and space_costs(uses, len(combinations), self.full).samples_win:
                x_t = jnp.concatenate([xs[:, :, 0] for xs, _ in pairs], axis=1)
                g_t = jnp.concatenate([gs[:, :, :, 0] for _, gs in pairs], axis=2)
                rows.append(Factors(x_t, g_t))
                continue
            else:
                ordered = self.full or not self.factors or any(use.weight.make for use in uses)
                terms = [
                    _gradient(use, form, leaf, xs, gs, ordered)
                    for use, form, (xs, gs) in zip(uses, shapes, pairs, strict=True)
                ]
                row = functools.reduce(jnp.add, terms)
            rows.append(row.reshape(len(x), len(combinations), -1))
        return rows


def output_function(of: str, structure: Any) -> Any:
    """(leaves, (function, frozen), one example) -> its logits or features, (width,)."""

    def function(leaves: Any, constants: Any, xi: Any) -> Any:
        apply, frozen = constants
        weights = merge(jax.tree.unflatten(structure, leaves), frozen)
        return (apply.features if of == "features" else apply)(weights, xi[None])[0]

    return function


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


def _products(uses: Sequence[Use], count: int, full: bool, factors: bool) -> list[Product]:
    """The form of each use: its separable one for a single combination of a weight used once in parameter space."""
    forms = []
    for use in uses:
        beside = [other for other in uses if other.weight.leaf == use.weight.leaf]
        single = count == 1 and len(beside) == 1 and use.product.separable is not None
        in_samples = factors and space_costs(beside, count, full).samples_win
        forms.append(use.product.separable if single and not in_samples else use.product)
    return forms


def _gradient(use: Use, form: Product, leaf: Any, x: Any, g: Any, ordered: bool) -> Any:
    """(n, T, groups, K), (n, p, T, groups, O) -> gradients in the leaf, (n, p, *leaf).

    Not `ordered`: (n, K, groups, p, O) as the product gives them; for sums over all of these no copy is needed.
    """
    if form.groups == 1:  # an axis of length 1 would cost XLA's CPU product half its speed
        dw = jnp.einsum("itk,ipto->ikpo", x[:, :, 0], g[:, :, :, 0], precision=jax.lax.Precision.HIGHEST)[:, :, None]
    else:
        dw = jnp.einsum("itgk,iptgo->ikgpo", x, g, precision=jax.lax.Precision.HIGHEST)
    gradients = jax.vmap(jax.vmap(form.gradient, in_axes=2))(dw) if ordered else dw
    if use.weight.make is None:
        return gradients
    pull = jax.vjp(use.weight.make, leaf)[1]
    return jax.vmap(jax.vmap(lambda dw: pull(dw.astype(use.weight.value.dtype))[0]))(gradients)


def sum_contract(left: list[Any], right: list[Any]) -> Any:
    """sum over k of <g_k(x_i), g_k(x_j)>, (n1, n2)."""
    return sum((_sum_factors if isinstance(a, Factors) else _sum_rows)(a, b) for a, b in zip(left, right, strict=True))


def full_contract(left: list[Any], right: list[Any]) -> Any:
    """<g_k(x_i), g_l(x_j)>, (n1, p, n2, p)."""
    return sum(
        (_full_factors if isinstance(a, Factors) else _full_rows)(a, b) for a, b in zip(left, right, strict=True)
    )


def _einsum(subscripts: str, *operands: Any) -> Any:
    # The highest precision: TF32 on a GPU would cost the kernel three digits. Sums of bfloat16 products are float32.
    out = jnp.promote_types(jnp.result_type(*operands), jnp.float32)
    return jnp.einsum(subscripts, *operands, precision=jax.lax.Precision.HIGHEST, preferred_element_type=out)


def _inner(a: Any, b: Any) -> Any:
    """a bᵀ, (n1, k) and (n2, k): on a CPU a slice of k at a time, which is twice as fast where k is long."""
    whole = a.shape[1] // SLICE if jax.default_backend() == "cpu" else 0
    if whole < 4:
        return _einsum("ip,jp->ij", a, b)

    def add(index: Any, total: Any) -> Any:
        left, right = (jax.lax.dynamic_slice_in_dim(side, index * SLICE, SLICE, axis=1) for side in (a, b))
        return total + _einsum("ip,jp->ij", left, right)

    rest = _einsum("ip,jp->ij", a[:, whole * SLICE :], b[:, whole * SLICE :])
    return jax.lax.fori_loop(0, whole, add, rest)


def _sum_rows(a: Any, b: Any) -> Any:
    return _inner(a.reshape(len(a), -1), b.reshape(len(b), -1))


def _full_rows(a: Any, b: Any) -> Any:
    flat = _inner(a.reshape(-1, a.shape[2]), b.reshape(-1, b.shape[2]))  # neither side is copied
    return flat.reshape(*a.shape[:2], *b.shape[:2])


def _sum_factors(a: Factors, b: Factors) -> Any:
    if a.inputs.shape[1] == 1:
        inputs = _einsum("ik,jk->ij", a.inputs[:, 0], b.inputs[:, 0])
        return inputs * _sum_rows(a.cotangents, b.cotangents)

    def row(pair: tuple[Any, Any]) -> Any:
        x, g = pair
        return jnp.sum(_einsum("tk,jsk->tjs", x, b.inputs) * _einsum("cto,jcso->tjs", g, b.cotangents), (0, 2))

    return jax.lax.map(row, (a.inputs, a.cotangents))


def _full_factors(a: Factors, b: Factors) -> Any:
    if a.inputs.shape[1] == 1:
        inputs = _einsum("ik,jk->ij", a.inputs[:, 0], b.inputs[:, 0])
        return inputs[:, None, :, None] * _full_rows(a.cotangents[:, :, 0], b.cotangents[:, :, 0])

    def row(pair: tuple[Any, Any]) -> Any:
        x, g = pair
        pulled = _einsum("tjs,cto->jcso", _einsum("tk,jsk->tjs", x, b.inputs), g)
        return _einsum("jcso,jeso->cje", pulled, b.cotangents)

    return jax.lax.map(row, (a.inputs, a.cotangents))
