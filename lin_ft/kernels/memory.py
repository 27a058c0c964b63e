"""What fits within a limit of memory: bytes of rows and reverse passes, sizes of blocks, combinations at once."""

import math
from typing import Any

import jax
import jax.numpy as jnp

from lin_ft.autodiff.weight_uses import is_product
from lin_ft.errors import InputError
from lin_ft.functions import balanced_size
from lin_ft.kernels.structured import output_function, signature
from lin_ft.typing import Array

USABLE = 0.8
"""Share of the limit that is planned with; the rest goes to what XLA and the allocator hold beside it."""

LEAST_BLOCK = 16
"""Rows of a block on each side below which a contraction is slow."""

CACHE = 2**25
"""Bytes that the reverse pass of one chunk of examples should take on a CPU: they stay in its last cache."""
LEAST_ROWS, MOST_ROWS = 16, 64
"""Rows (examples times combinations) of one reverse pass on a CPU: fewer waste its width, more gain nothing."""
BLOCKS = 4
"""Blocks of a side on a CPU, if they are not too small: of those on the diagonal one half is computed for nothing."""


def fits(row: int, working: int, memory_limit: int) -> bool:
    """Whether two rows and one reverse pass fit, the least that a Gram matrix needs."""
    return USABLE * memory_limit >= 2 * row + working


def combinations_at_once(
    method: Any, shared: Any, x: Array, n: tuple[int, int], block_size: int, memory_limit: int
) -> int:
    """How many combinations to make rows of at a time, where only products of equal combinations are summed.

    A kernel of a few combinations costs one more forward pass; a kernel of a few examples costs all rows of the right
    side again. So as many as possible such that all examples' rows fit, and if even those of one do not, one.
    """
    count = len(shared[3])
    for groups in range(1, count + 1):
        size = -(-count // groups)
        row, working = row_bytes(method, (*shared[:3], shared[3][:size]), x)
        if fits(row, working, memory_limit):
            _, length, held, _ = plan_blocks(row, working, n, size, block_size, memory_limit)
            if held * length >= n[0]:
                return size
    return 1


def plan_blocks(
    row: int,
    working: int,
    n: tuple[int, int],
    count: int,
    block_size: int,
    memory_limit: int,
    full: bool = False,
) -> tuple[int, int, int, int]:
    """(examples of a reverse pass, of a block, blocks of the left side held at once, of the right side beside them).

    For one device.

    `row` and `working` are the bytes of one example's rows and of its reverse pass; n[1] = 0: right side = left side.
    Where not all rows of the left side fit, each share of it that is held costs the rows of the right side again: of
    blocks not too small, those are chosen that leave the fewest shares, and then the largest. A fifth of the room is
    for the right side then: each group of its blocks costs what of the left side is formed only to be multiplied.
    """
    if not fits(row, working, memory_limit):
        least = math.ceil((2 * row + working) / USABLE)
        raise InputError(f"The memory limit of {memory_limit} bytes is too small; the least that works is {least}.")
    budget = int(USABLE * memory_limit)
    largest_chunk = min(_chunk(working, count), max(1, (budget // 3) // working))
    least = -(-2 * LEAST_BLOCK // count) if full else LEAST_BLOCK
    largest = balanced_size(max(n), min(max(n), block_size, _block(max(n), least)))
    for size in range(largest, largest // 2, -1):  # all rows of the left side at once, if that is possible
        chunk, length = _in_chunks(size, largest_chunk)
        blocks = -(-n[0] // length)
        room = _room(row, working, chunk, length, budget) // length
        if room >= blocks + (n[1] > 0):
            return chunk, length, blocks, max(1, room - blocks)
    most = (budget - working) // row
    largest_chunk = min(largest_chunk, max(1, most // 4))
    best = (n[0] + 1, 1, 1, most - 1, 1)
    for size in range(min(largest, most // 2), 0, -1):  # some blocks of it, and a few of the right side at a time
        chunk, length = _in_chunks(size, largest_chunk)
        room = _room(row, working, chunk, length, budget) // length
        if room >= 2:
            beside = 1 + (room - 2) // 5
            held = room - beside
            best = min(best, (-(-n[0] // (held * length)), chunk, length, held, beside), key=lambda found: found[0])
        if size <= least and best[0] <= n[0]:
            break
    return best[1:]


def _chunk(working: int, count: int) -> int:
    """Examples of a reverse pass, where memory allows."""
    if jax.default_backend() != "cpu":
        return max(1, 16 * MOST_ROWS // count)
    return min(max(1, CACHE // working, LEAST_ROWS // count), max(1, MOST_ROWS // count))


def _block(n: int, least: int) -> int:
    """Examples of a block, where memory allows."""
    return n if jax.default_backend() != "cpu" else min(max(4 * least, -(-n // BLOCKS)), 8 * least)


def _in_chunks(size: int, largest: int) -> tuple[int, int]:
    """(examples of a reverse pass, examples of a block): equal chunks of at most `largest`, together `size` or more."""
    least = -(-size // min(size, largest))
    even = (count for count in range(least, min(size, least + least // 2) + 1) if size % count == 0)
    n_chunks = next(even, least)  # a few more chunks rather than a block with examples to spare
    chunk = -(-size // n_chunks)
    return chunk, n_chunks * chunk


def _room(row: int, working: int, chunk: int, length: int, budget: int) -> int:
    """Rows that fit beside one reverse pass and the chunk that is being appended to a block."""
    return (budget - chunk * working) // row - (chunk if chunk < length else 0)


def row_bytes(method: Any, shared: Any, x: Any) -> tuple[int, int]:
    """(bytes of one example's rows, upper estimate of the bytes of one example in the reverse pass that makes them)."""
    example = jax.ShapeDtypeStruct((1, *x.shape[1:]), jnp.result_type(x))
    key = (method, *signature(shared, example))
    if key not in _SIZES:
        sizes = _bytes(jax.eval_shape(method, shared, example)), working_bytes(method.of, shared, example)
        _SIZES[key] = sizes
    return _SIZES[key]


_SIZES: dict[Any, tuple[int, int]] = {}


def working_bytes(of: str, shared: Any, example: jax.ShapeDtypeStruct) -> int:
    """Upper estimate of what one example of a reverse pass holds beside its rows.

    All intermediate values of the forward pass, once, and for each combination the cotangents of all products and of
    four of the largest values.
    """
    function, chosen, frozen, combinations = shared
    h = output_function(of, jax.tree.structure(chosen))
    one = jax.ShapeDtypeStruct(example.shape[1:], example.dtype)
    jaxpr = jax.make_jaxpr(h)(jax.tree.leaves(chosen), (function, frozen), one)
    sizes = list(_output_sizes(jaxpr.jaxpr)) or [(0, False)]
    products = sum(size for size, is_product in sizes if is_product)
    forward, largest = sum(size for size, _ in sizes), max(size for size, _ in sizes)
    return forward + len(combinations) * (products + 4 * largest)


def _output_sizes(jaxpr: Any) -> Any:
    for equation in jaxpr.eqns:
        whole = is_product(equation)
        inner = equation.params.get("jaxpr") if equation.primitive.name in ("jit", "pjit") and not whole else None
        if inner is not None:
            yield from _output_sizes(inner.jaxpr)
        else:
            yield from ((math.prod(v.aval.shape) * v.aval.dtype.itemsize, whole) for v in equation.outvars)


def _bytes(tree: Any) -> int:
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))
