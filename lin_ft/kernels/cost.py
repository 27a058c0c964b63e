"""Multiply-adds of each method for a given network, kernel and number of samples; the choice of `method="auto"`."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core

from lin_ft.autodiff.depthwise import geometry
from lin_ft.autodiff.products import product
from lin_ft.autodiff.weight_uses import find
from lin_ft.kernels.forms import space_costs
from lin_ft.kernels.memory import fits
from lin_ft.kernels.structured import output_function, signature

PRODUCTS_PENALTY = 4.0
"""Time of a multiply-add in a vector product, which meets one example at a time, in those of a matrix product."""


def multiply_adds(shared: Any, x: Any, *, of: str, full: bool, n: tuple[int, int], symmetric: bool) -> dict[str, float]:
    """Multiply-adds by method for an n[0] x n[1] kernel: `structured`, `jacobian`, `vector_products`.

    And `rows`: all gradients without any product of two. Rows: a forward pass, and for each combination a reverse pass
    through layer inputs (as many multiply-adds as the forward pass) and through weights (as many again). Pairs: by
    `space_costs`. A vector product: a forward and a reverse pass on one sample, and two forward passes (tangents) over
    all. Elementwise work is not counted.
    """
    function, chosen, frozen, combinations = shared
    leaves, structure = jax.tree.flatten(chosen)
    h = output_function(of, structure)
    jaxpr, found, _ = find(h, leaves, (function, frozen), jax.ShapeDtypeStruct(x.shape[1:], jnp.result_type(x)))
    forward, count = _forward(jaxpr.jaxpr), len(combinations)
    rows = n[0] if symmetric else sum(n)
    pairs = n[0] * (n[0] + 1) / 2 if symmetric else n[0] * n[1]
    squared = count**2 if full else count
    in_parameters = sum(leaf.size for leaf in leaves) * squared
    structured_pair, structured_row = 0.0, 0.0
    for index, leaf in enumerate(leaves):
        uses = [use for use in found.uses if use.weight.leaf == index]
        if not uses:
            structured_pair += leaf.size * squared
            continue
        costs = space_costs(uses, count, full)
        structured_row += costs.form * (not costs.samples_win)
        structured_pair += costs.samples if costs.samples_win else costs.parameters
    passes = forward * (1 + count)
    return {
        "structured": rows * (passes + structured_row) + pairs * structured_pair,
        "jacobian": rows * (passes + count * forward) + pairs * in_parameters,
        "rows": rows * (passes + count * forward),
        "vector_products": PRODUCTS_PENALTY * (n[0] if symmetric else n[1]) * count * forward * (3 + 2 * n[0]),
    }


def choose(
    shared: Any,
    x: Any,
    *,
    of: str,
    full: bool,
    n: tuple[int, int],
    symmetric: bool,
    memory_limit: int,
    row: int,
    working: int,
) -> str:
    """The method with the fewest multiply-adds among those that fit; rows that do not leave `vector_products`."""
    if not fits(row, working, memory_limit):
        return "vector_products"
    key = (*signature(shared), x.shape[1:], str(x.dtype), of, full, n, symmetric)
    if key not in _COSTS:  # counting traces the network: half a second for a transformer
        _COSTS[key] = multiply_adds(shared, x, of=of, full=full, n=n, symmetric=symmetric)
    costs = _COSTS[key]
    return min(("structured", "vector_products"), key=lambda name: costs[name])


_COSTS: dict[Any, dict[str, float]] = {}


def _forward(jaxpr: Any) -> float:
    """Multiply-adds of products and convolutions in one evaluation."""
    total = 0.0
    for equation in jaxpr.eqns:
        if geometry(equation) is not None:
            total += math.prod(equation.outvars[0].aval.shape) * math.prod(equation.invars[1].aval.shape[:2])
            continue
        for inner in core.jaxprs_in_params(equation.params):
            total += _forward(inner)
        if equation.primitive.name == "dot_general":
            (contracting, _), _ = equation.params["dimension_numbers"]
            shape = equation.invars[0].aval.shape
            total += math.prod(equation.outvars[0].aval.shape) * math.prod(shape[axis] for axis in contracting)
        elif equation.primitive.name == "conv_general_dilated":
            form = product(equation, 1)
            size = math.prod(equation.invars[1].aval.shape)
            out = math.prod(equation.outvars[0].aval.shape)
            total += (
                form.positions * form.groups * form.inner * form.outer
                if form
                else out * size / equation.invars[1].aval.shape[equation.params["dimension_numbers"].rhs_spec[0]]
            )
    return total
