"""Inner products of rows, block by block: (n1, n2), or (n1, p, n2, p) where combinations meet each other too."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lin_ft import sharding
from lin_ft.kernels.forms import Factors, Unformed
from lin_ft.kernels.precision import widened

SLICE = 8192
"""Gradient entries that two blocks of rows are multiplied in at a time on a CPU, whose product of longer rows would
first copy both sides."""
FORMED = 2**23
"""Bytes of a block's slice of rows that is formed at a time on a CPU: it stays in the last cache."""


def sum_contract(left: list[Any], right: list[Any]) -> Any:
    """sum over k of <g_k(x_i), g_k(x_j)>, (n1, n2)."""
    return sum((_sum_factors if isinstance(a, Factors) else _sum_rows)(a, b) for a, b in zip(left, right, strict=True))


def full_contract(left: list[Any], right: list[Any]) -> Any:
    """<g_k(x_i), g_l(x_j)>, (n1, p, n2, p)."""
    return sum(
        (_full_factors if isinstance(a, Factors) else _full_rows)(a, b) for a, b in zip(left, right, strict=True)
    )


def block_products(
    left: dict[int, list[Any]],
    right: dict[int, list[Any]],
    pairs: Sequence[tuple[int, int]],
    *,
    full: bool,
    devices: sharding.Devices,
    most_bytes: int,
) -> Iterator[tuple[tuple[int, int], np.ndarray]]:
    """(pair, product of left[pair[0]] and right[pair[1]]) for each of `pairs`.

    `Unformed` rows are formed here, for all blocks at once and so once for each, a slice of at most about `most_bytes`
    for all blocks at a time, on a CPU of `FORMED` for each.
    """
    contract = full_contract if full else sum_contract
    product, add = sharding.outer(contract, devices), sharding.outer_sum(contract, devices)
    entries = next(iter(left.values()))
    unformed = [index for index, entry in enumerate(entries) if isinstance(entry, Unformed)]
    ready = [index for index in range(len(entries)) if index not in unformed]
    totals: dict[tuple[int, int], Any] = {}

    def meet(rows1: dict[int, list[Any]], rows2: dict[int, list[Any]]) -> None:
        for pair in pairs:
            sides = rows1[pair[0]], rows2[pair[1]]
            totals[pair] = add(totals[pair], *sides) if pair in totals else product(*sides)
        jax.block_until_ready(totals)  # else the rows of many slices may be alive at once

    if ready:
        meet(*({start: [rows[index] for index in ready] for start, rows in side.items()} for side in (left, right)))
    for index in unformed:
        of_one = most_bytes // len({*left, *right})
        parts = _parts(entries[index], min(FORMED, of_one) if jax.default_backend() == "cpu" else of_one)
        offsets = entries[index].product.offsets
        form = sharding.map_shares(FormedSlice(parts), devices)
        for number in range(offsets * parts):
            formed = {start: form(rows[index], number) for start, rows in left.items()}
            others = formed if right is left else {start: form(rows[index], number) for start, rows in right.items()}
            meet(formed, others)
    for pair in pairs:
        yield pair, sharding.joined_shares(totals[pair], devices)


def _parts(kept: Unformed, most_bytes: int) -> int:
    """Into how many parts the inputs under one place of the window are cut."""
    places = kept.product.inner // kept.product.offsets
    of_one = kept.cotangents.nbytes // kept.product.positions
    sizes = [parts for parts in range(1, places + 1) if places % parts == 0]
    return next((parts for parts in sizes if places // parts * of_one <= most_bytes), places)


@dataclass(frozen=True)
class FormedSlice:
    """(unformed rows, number of the slice) -> that slice, (n, p, size), in any fixed order where p is only summed over.

    A slice takes the inputs under one place of the window, or one of `parts` parts of them.
    """

    parts: int

    def __call__(self, kept: Unformed, number: Any) -> list[jax.Array]:
        """That slice, in a list of one array, as rows are everywhere."""
        x = jax.vmap(lambda data: kept.product.inputs_at(data, number // self.parts))(kept.data)
        size = x.shape[2] // self.parts
        x = jax.lax.dynamic_slice_in_dim(x, number % self.parts * size, size, axis=2)
        rows = jnp.einsum("itk,itpo->ikpo", x, kept.cotangents, precision=jax.lax.Precision.HIGHEST)
        rows = rows.transpose(0, 2, 1, 3) if kept.full else rows
        return [rows.reshape(len(x), kept.cotangents.shape[2], -1)]


def _einsum(subscripts: str, *operands: Any) -> Any:
    # The highest precision: TF32 on a GPU would cost the kernel three digits. Sums of bfloat16 products are float32.
    out = widened(jnp.result_type(*operands))
    return jnp.einsum(subscripts, *operands, precision=jax.lax.Precision.HIGHEST, preferred_element_type=out)


def _inner(a: Any, b: Any) -> Any:
    """a bᵀ, (n1, k) and (n2, k): on a CPU a slice of k at a time."""
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
