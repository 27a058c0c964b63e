"""Gram matrices of gradient rows, block by block, within a limit of memory and over all devices.

Shared by all algorithms that make rows (`jacobian`, `structured`, and pseudo kernels by either). Only the backbone's
rows are formed: with a separate head its own block of the kernel is the Kronecker product (phi phiᵀ + 1) ⊗ I, added in
closed form.
"""

import logging
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from lin_ft import sharding
from lin_ft.errors import InputError
from lin_ft.functions import ModelFunction, balanced_size, check_inputs, features_of, padded
from lin_ft.kernels.cost import choose
from lin_ft.kernels.jacobian import JacobianRows
from lin_ft.kernels.structured import ROWS_AT_ONCE, StructuredRows, full_contract, output_function, sum_contract
from lin_ft.kernels.vector_products import vector_products_gram
from lin_ft.sharding import DeviceChoice
from lin_ft.trainable import Trainable, split
from lin_ft.typing import Array, Params

logger = logging.getLogger(__name__)

BLOCK_SIZE = 64
MEMORY_LIMIT = 2**30
METHODS: dict[str, Any] = {"structured": StructuredRows, "jacobian": JacobianRows}


def head_gram(
    function: ModelFunction,
    params: Params,
    x1: Array,
    x2: Array | None,
    *,
    trainable: Trainable,
    batch_size: int = 128,
) -> Float[np.ndarray, "n1 n2"] | None:
    """The head's own block, phi phiᵀ for a trainable W plus 1 for a trainable b; None without a separate head."""
    if not function.has_head:
        return None
    head = split(params, trainable)[0]["head"]
    n2 = x1.shape[0] if x2 is None else x2.shape[0]
    if head["kernel"] is None:
        phi = np.zeros((x1.shape[0], 1), np.float32)
        phi2 = np.zeros((n2, 1), np.float32)
    else:
        phi = features_of(function, params, x1, batch_size=batch_size)
        phi2 = phi if x2 is None else features_of(function, params, x2, batch_size=batch_size)
    return np.asarray(phi @ phi2.T) + np.asarray(head.get("bias") is not None, phi.dtype)


def blocked_gram(
    function: ModelFunction,
    params: Params,
    x1: Array,
    x2: Array | None,
    *,
    combinations: Float[np.ndarray | jax.Array, "p q"],
    of: str,
    output: str,
    method: str,
    trainable: Trainable,
    block_size: int,
    memory_limit: int,
    devices: DeviceChoice,
) -> Float[np.ndarray, "n1 n2"] | Float[np.ndarray, "n1 p n2 p"]:
    """Gram matrix of the rows g_k(x) = d (combination_k · h(x)) / d backbone, h = logits or features.

    `output` "sum": sum over k of <g_k(x_i), g_k(x_j)>; "full": <g_k(x_i), g_l(x_j)>.

    `memory_limit` (bytes, for each device) holds the rows of two or more blocks, the largest contraction between them,
    and the activations and cotangents of one reverse pass; where not all rows fit, some are computed again.
    """
    if method not in ("auto", "vector_products", *METHODS):
        raise InputError(f"Unknown method '{method}'; known are auto, vector_products, {', '.join(METHODS)}.")
    check_inputs(params, x1)
    if x2 is not None:
        check_inputs({}, x2)
        if x2.shape[1:] != x1.shape[1:]:
            raise InputError(f"The two sets of samples have shapes {x1.shape[1:]} and {x2.shape[1:]}.")
    chosen, frozen = split(params, trainable)
    dtype = np.result_type(*(leaf.dtype for leaf in jax.tree.leaves(params)))
    if function.has_head:  # the head's own block is added by the caller
        chosen, frozen = (
            {**chosen, "head": None},
            {**frozen, "head": params["head"] if of == "logits" else None},
        )
    count = len(combinations)
    shape = (x1.shape[0], count, (x1 if x2 is None else x2).shape[0], count)
    kernel = np.zeros(shape if output == "full" else (shape[0], shape[2]), dtype)
    if sum(np.size(leaf) for leaf in jax.tree.leaves(chosen)) == 0:
        return kernel

    used = sharding.local(devices)
    shared = (function, chosen, frozen, jnp.asarray(combinations, dtype))
    full = output == "full"
    if method == "auto":
        row, working = row_bytes(StructuredRows(of, full), shared, x1)
        n = (shape[0], shape[2])
        method = choose(
            shared, x1, of=of, full=full, n=n, symmetric=x2 is None,
            memory_limit=memory_limit, row=row, working=working,
        )  # fmt: skip
        logger.debug("kernel %d x %d: method %s", *n, method)
    if method == "vector_products":
        return vector_products_gram(
            function, chosen, frozen, x1, x2, shared[3], of=of, full=full, batch_size=block_size, devices=devices
        )
    maker = METHODS[method](of, full)
    row, working = row_bytes(maker, shared, x1)
    n_local = -(-shape[0] // len(used)), 0 if x2 is None else -(-shape[2] // len(used))
    chunk, size, held_blocks = _plan(row, working, n_local, count, block_size, memory_limit)
    size *= len(used)
    make = sharding.map_examples(maker, used)
    join = sharding.joined(used)
    contract = sharding.outer(full_contract if output == "full" else sum_contract, used)

    def rows(x: Array, start: int) -> Any:
        block = np.asarray(padded(x[start : start + size], size))
        shares = block.reshape(len(used), -1, chunk, *block.shape[1:])  # a loop here: XLA's own is slow on a CPU
        parts = (shares[:, k].reshape(-1, *block.shape[1:]) for k in range(shares.shape[1]))
        return join((make(shared, part) for part in parts), shares.shape[1])

    def put(start1: int, start2: int, block: Any) -> None:
        columns = (slice(start2, start2 + size),) if output == "sum" else (slice(None), slice(start2, start2 + size))
        view = kernel[(slice(start1, start1 + size), *columns)]
        view[...] = np.asarray(block)[tuple(slice(length) for length in view.shape)]  # without the padding

    starts1 = list(range(0, shape[0], size))
    starts2 = starts1 if x2 is None else list(range(0, shape[2], size))
    mine = sharding.my_share(starts1)
    for first in range(0, len(mine), held_blocks):
        held = {start: rows(x1, start) for start in mine[first : first + held_blocks]}
        for start2 in starts2:
            if x2 is None and start2 < mine[first]:
                continue  # filled by symmetry below
            right = held[start2] if x2 is None and start2 in held else rows(x1 if x2 is None else x2, start2)
            for start1, left in held.items():
                if x2 is not None or start1 <= start2:
                    put(start1, start2, contract(left, right))
    kernel = sharding.sum_over_processes(kernel)
    return kernel if x2 is not None else _mirrored(kernel)


def _plan(
    row: int, working: int, n: tuple[int, int], count: int, block_size: int, memory_limit: int
) -> tuple[int, int, int]:
    """(examples of a reverse pass, examples of a block, blocks of the left side held at once), for one device.

    `row` and `working` are the bytes of one example's rows and of its reverse pass; n[1] = 0: right side = left side.
    """
    least = 2 * row + working
    if memory_limit < least:
        raise InputError(f"The memory limit of {memory_limit} bytes is too small; the least that works is {least}.")
    at_once = ROWS_AT_ONCE if jax.default_backend() == "cpu" else 16 * ROWS_AT_ONCE
    chunk = min(max(n), max(1, at_once // count), max(1, (memory_limit // 3) // working))
    rows_that_fit = (memory_limit - chunk * working) // row - chunk
    size = min(max(n), block_size)
    if rows_that_fit >= n[0] + min(n[1], size):
        held = n[0]
    else:  # a left side of several blocks, and one block of the right side at a time
        chunk = min(chunk, max(1, rows_that_fit // 4))
        rows_that_fit = max(2, (memory_limit - chunk * working) // row - (chunk if chunk > 1 else 0))
        size = max(1, min(size, rows_that_fit // 2))
        held = max(1, (rows_that_fit - size) // size) * size
    size = balanced_size(max(n), size)
    n_chunks = -(-size // chunk)
    chunk = -(-size // n_chunks)
    if n_chunks * chunk > size and n_chunks * chunk * 2 > rows_that_fit:  # no room for a longer last chunk
        chunk, n_chunks = 1, size
    return chunk, n_chunks * chunk, max(1, held // (n_chunks * chunk))


def row_bytes(method: Any, shared: Any, x: Array) -> tuple[int, int]:
    """(bytes of one example's rows, upper estimate of the bytes of one example in the reverse pass that makes them)."""
    example = jax.ShapeDtypeStruct((1, *x.shape[1:]), jnp.result_type(x))
    leaves, structure = jax.tree.flatten(shared)
    key = (method, structure, example.shape, str(example.dtype), *((jnp.shape(v), str(v.dtype)) for v in leaves))
    if key not in _SIZES:
        sizes = _bytes(jax.eval_shape(method, shared, example)), working_bytes(method.of, shared, example)
        _SIZES[key] = sizes
    return _SIZES[key]


_SIZES: dict[Any, tuple[int, int]] = {}


def working_bytes(of: str, shared: Any, example: jax.ShapeDtypeStruct) -> int:
    """Upper estimate of what one example of a reverse pass holds beside its rows.

    All intermediate values of the forward pass, once, and for each combination the cotangents of four of the largest.
    """
    function, chosen, frozen, combinations = shared
    h = output_function(of, jax.tree.structure(chosen))
    one = jax.ShapeDtypeStruct(example.shape[1:], example.dtype)
    jaxpr = jax.make_jaxpr(h)(jax.tree.leaves(chosen), (function, frozen), one)
    sizes = list(_output_sizes(jaxpr.jaxpr)) or [0]
    return sum(sizes) + 4 * len(combinations) * max(sizes)


def _output_sizes(jaxpr: Any) -> Any:
    for equation in jaxpr.eqns:
        inner = equation.params.get("jaxpr") if equation.primitive.name in ("jit", "pjit") else None
        if inner is not None:
            yield from _output_sizes(inner.jaxpr)
        else:
            yield from (math.prod(v.aval.shape) * v.aval.dtype.itemsize for v in equation.outvars)


def _bytes(tree: Any) -> int:
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree))


def _mirrored(kernel: np.ndarray) -> np.ndarray:
    """The upper triangle copied to the lower one, so that the result is symmetric to the last bit."""
    flat = kernel.reshape(kernel.shape[0] * (kernel.shape[1] if kernel.ndim == 4 else 1), -1)
    return (np.triu(flat) + np.triu(flat, 1).T).reshape(kernel.shape)
