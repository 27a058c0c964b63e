"""A training gradient as two programs: first all cotangents, then the gradients of the weights they belong to.

At a use out = op(data, W) of a weight (a convolution, a dense layer), dW = op(data, .)ᵀ d out. XLA's CPU compiler wants
`data` transposed there, and makes the transposed copy by computing `data` again from the layers before, element by
element. As outputs of a first program `data` and `d out` exist already when a second one reads them. In the first,
convolutions of few channels take the form of lin_ft.autodiff.narrow_convolution. Values are those of
`jax.value_and_grad` but for rounding. Measured on one core (AVX-512), ResNet-20, 32 images, BatchNorm in training
mode: 1.6 times faster, 1.4 without the narrow form (`experiments/benchmarks/training_step.py`). Cost: the same
passes; every `data` and `d out` is kept until the second program has run, about the activations once more.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from lin_ft.autodiff.quick_forms import evaluated
from lin_ft.autodiff.weight_uses import Use, Walk, find
from lin_ft.typing import Params

Loss = Callable[..., tuple[Any, Any]]
"""loss(weights, *arguments) -> (value, auxiliary outputs)"""


class Pending(NamedTuple):
    """What the gradients of the weights are made of."""

    data: list[Any]
    """Of each use of a weight, in the order of the program."""
    cotangents: list[Any]
    """Of the output of each use."""
    others: list[Any]
    """Gradients of the weights that have no such use: scales, biases."""


def first_program(loss: Loss, weights: Params, *arguments: Any) -> tuple[tuple[Any, Any], Pending]:
    """((value, auxiliary outputs), pending)."""
    leaves = jax.tree.leaves(weights)
    jaxpr, found, structure = _find(loss, weights, arguments)
    plain = sorted(found.plain)

    def outputs(deltas: Sequence[Any], others: Sequence[Any]) -> tuple[Any, Any]:
        walk = Walk(len(leaves), 0, found.plain, deltas, evaluated)
        values = list(leaves)
        for index, value in zip(plain, others, strict=True):
            values[index] = value
        value, *auxiliary = walk(jaxpr, [*values, *jax.tree.leaves(arguments)])
        return value, (auxiliary, [use.data for use in walk.uses])

    zeros = [jnp.zeros(use.output.shape, use.output.dtype) for use in found.uses]
    chosen = [leaves[index] for index in plain]
    (value, (auxiliary, data)), (cotangents, others) = jax.value_and_grad(outputs, (0, 1), has_aux=True)(zeros, chosen)
    return (value, jax.tree.unflatten(structure, auxiliary)), Pending(data, cotangents, others)


def second_program(loss: Loss, pending: Pending, weights: Params, *arguments: Any) -> Params:
    """d value / d weights, for the same loss, weights and arguments; of the arguments only shapes matter here."""
    leaves, structure = jax.tree.flatten(weights)
    _, found, _ = _find(loss, weights, arguments, quiet=True)
    gradients: list[Any] = [None] * len(leaves)
    for index, gradient in zip(sorted(found.plain), pending.others, strict=True):
        gradients[index] = gradient
    for use, data, cotangent in zip(found.uses, pending.data, pending.cotangents, strict=True):
        index = use.weight.leaf

        gradient = _of_use(use, leaves[index], data, cotangent)
        gradients[index] = gradient if gradients[index] is None else gradients[index] + gradient
    filled = [jnp.zeros_like(leaf) if g is None else g for leaf, g in zip(leaves, gradients, strict=True)]
    return jax.tree.unflatten(structure, filled)


def value_and_grad(loss: Loss) -> Callable[..., tuple[tuple[Any, Any], Params]]:
    """jax.jit(jax.value_and_grad(loss, has_aux=True)), on a CPU as two programs. Not to be called inside `jax.jit`."""
    if jax.default_backend() != "cpu":
        return jax.jit(jax.value_and_grad(loss, has_aux=True))
    first = jax.jit(lambda weights, *arguments: first_program(loss, weights, *arguments))
    second = jax.jit(lambda pending, weights, *arguments: second_program(loss, pending, weights, *arguments))

    def both(weights: Params, *arguments: Any) -> tuple[tuple[Any, Any], Params]:
        values, pending = first(weights, *arguments)
        return values, second(pending, weights, *arguments)

    return both


def _of_use(use: Use, leaf: Any, data: Any, cotangent: Any) -> Any:
    """d value / d leaf by this use of it."""
    if use.weight.make is None:
        direct = use.product.gradients(data[:, None], cotangent[:, None, None])  # each image an example
        if direct is not None:
            return direct.sum((0, 1))

    def out(leaf: Any) -> Any:
        return use.apply(use.weight.remade(leaf), data)

    return jax.vjp(out, leaf)[1](cotangent)[0]


def _find(loss: Loss, weights: Params, arguments: tuple, *, quiet: bool = False) -> tuple[Any, Walk, Any]:
    """(closed jaxpr, walk with its uses, structure of the auxiliary outputs)."""
    structure, of_auxiliary = jax.tree.structure(weights), []

    def flat(leaves: list[Any], _: Any, arguments: tuple) -> list[Any]:
        value, auxiliary = loss(jax.tree.unflatten(structure, leaves), *arguments)
        outputs, form = jax.tree.flatten(auxiliary)
        of_auxiliary.append(form)
        return [value, *outputs]

    jaxpr, found, _ = find(flat, jax.tree.leaves(weights), (), arguments, quiet=quiet)
    return jaxpr, found, of_auxiliary[-1]
