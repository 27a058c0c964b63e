"""Gram matrices of gradient rows, block by block, within a limit of memory and over all devices.

Shared by all algorithms that make rows (`jacobian`, `structured`, and pseudo kernels by either). Only the backbone's
rows are formed: with a separate head its own block of the kernel is the Kronecker product (phi phiᵀ + 1) ⊗ I, added in
closed form.
"""

import logging
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from lin_ft import sharding
from lin_ft.errors import InputError
from lin_ft.functions import ModelFunction, check_inputs, features_of, padded
from lin_ft.kernels.contraction import block_products
from lin_ft.kernels.cost import choose
from lin_ft.kernels.jacobian import JacobianRows
from lin_ft.kernels.memory import combinations_at_once, plan_blocks, row_bytes
from lin_ft.kernels.precision import kernel_dtype
from lin_ft.kernels.structured import StructuredRows
from lin_ft.kernels.vector_products import vector_products_gram
from lin_ft.sharding import DeviceChoice
from lin_ft.trainable import Trainable, split
from lin_ft.typing import Array, Features, Params

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
    features: Features | None = None,
) -> Float[np.ndarray, "n1 n2"] | None:
    """The head's own block, phi phiᵀ for a trainable W plus 1 for a trainable b; None without a separate head.

    `features`: phi of x1 if at hand.
    """
    if not function.has_head:
        return None
    head = split(params, trainable)[0]["head"]
    n2 = x1.shape[0] if x2 is None else x2.shape[0]
    if head["kernel"] is None:
        phi = np.zeros((x1.shape[0], 1), np.float32)
        phi2 = np.zeros((n2, 1), np.float32)
    else:
        phi = features_of(function, params, x1, batch_size=batch_size) if features is None else features
        phi2 = phi if x2 is None else features_of(function, params, x2, batch_size=batch_size)
    phi, phi2 = (np.asarray(each, kernel_dtype(params)) for each in (phi, phi2))
    return phi @ phi2.T + np.asarray(head.get("bias") is not None, phi.dtype)


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
    and the activations and cotangents of one reverse pass. Where not all rows fit, sums are made of fewer combinations
    at a time (`memory.combinations_at_once`), and then of fewer examples, whose rows are in part computed again.
    """
    if method not in ("auto", "vector_products", *METHODS):
        raise InputError(f"Unknown method '{method}'; known are auto, vector_products, {', '.join(METHODS)}.")
    check_inputs(params, x1)
    if x2 is not None:
        check_inputs({}, x2)
        if x2.shape[1:] != x1.shape[1:]:
            raise InputError(f"The two sets of samples have shapes {x1.shape[1:]} and {x2.shape[1:]}.")
    chosen, frozen = split(params, trainable)
    weights_dtype = jnp.result_type(*jax.tree.leaves(params))
    if function.has_head:  # the head's own block is added by the caller
        chosen, frozen = (
            {**chosen, "head": None},
            {**frozen, "head": params["head"] if of == "logits" else None},
        )
    count = len(combinations)
    shape = (x1.shape[0], count, (x1 if x2 is None else x2).shape[0], count)
    kernel = np.zeros(shape if output == "full" else (shape[0], shape[2]), kernel_dtype(params))
    if sum(np.size(leaf) for leaf in jax.tree.leaves(chosen)) == 0:
        return kernel

    used = sharding.local(devices)
    shared = (function, chosen, frozen, jnp.asarray(combinations, weights_dtype))
    full = output == "full"
    if method == "auto":
        few = shared if full else (*shared[:3], shared[3][:1])
        row, working = row_bytes(StructuredRows(of, full), few, x1)
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
    n_local = -(-shape[0] // len(used)), 0 if x2 is None else -(-shape[2] // len(used))
    at_once = count if full else combinations_at_once(maker, shared, x1, n_local, block_size, memory_limit)
    for group in range(0, count, at_once):
        missing = max(0, group + at_once - count)  # rows of zeros, so that all groups share one compiled program
        some = jnp.pad(shared[3][group : group + at_once], ((0, missing), (0, 0)))
        _add_blocks(
            kernel, maker, (*shared[:3], some), x1, x2,
            n_local=n_local, block_size=block_size, memory_limit=memory_limit, used=used,
        )  # fmt: skip
    kernel = sharding.sum_over_processes(kernel)
    return kernel if x2 is not None else _mirrored(kernel)


def _add_blocks(
    kernel: np.ndarray,
    maker: Any,
    shared: Any,
    x1: Array,
    x2: Array | None,
    *,
    n_local: tuple[int, int],
    block_size: int,
    memory_limit: int,
    used: sharding.Devices,
) -> None:
    """Add this process's blocks, with x2 = None those of the upper triangle, to the kernel in place."""
    row, working = row_bytes(maker, shared, x1)
    chunk, size, most_held, beside = plan_blocks(
        row, working, n_local, len(shared[3]), block_size, memory_limit, maker.full
    )
    size *= len(used)
    make = sharding.map_examples(maker, used)
    join = sharding.joined(used)

    def rows(x: Array, start: int) -> Any:
        block = np.asarray(padded(x[start : start + size], size))
        shares = block.reshape(len(used), -1, chunk, *block.shape[1:])  # a loop here: XLA's own is slow on a CPU
        parts = (shares[:, k].reshape(-1, *block.shape[1:]) for k in range(shares.shape[1]))
        return join((make(shared, part) for part in parts), shares.shape[1])

    def put(left: dict[int, Any], right: dict[int, Any]) -> None:
        pairs = [(i, j) for i in left for j in right if x2 is not None or i <= j]
        options = {"full": maker.full, "devices": used, "most_bytes": memory_limit // 16}
        for (i, j), block in block_products(left, right, pairs, **options):
            columns = (slice(None), slice(j, j + size)) if maker.full else (slice(j, j + size),)
            view = kernel[(slice(i, i + size), *columns)]
            view += block[tuple(slice(length) for length in view.shape)]  # without the padding

    starts1 = list(range(0, x1.shape[0], size))
    starts2 = starts1 if x2 is None else list(range(0, x2.shape[0], size))
    mine = sharding.my_share(starts1)

    def add(first: int) -> None:
        held = {start: rows(x1, start) for start in mine[first : first + most_held]}
        others = starts2
        if x2 is None:
            put(held, held)
            others = [start for start in starts2 if start > mine[first] and start not in held]  # the rest by symmetry
        for second in range(0, len(others), beside):
            put(held, {start: rows(x1 if x2 is None else x2, start) for start in others[second : second + beside]})

    for first in range(0, len(mine), most_held):
        add(first)


def _mirrored(kernel: np.ndarray) -> np.ndarray:
    """The upper triangle copied to the lower one, in place, so that the result is symmetric to the last bit."""
    flat = kernel.reshape(kernel.shape[0] * (kernel.shape[1] if kernel.ndim == 4 else 1), -1)
    for row in range(len(flat)):
        flat[row + 1 :, row] = flat[row, row + 1 :]
    return kernel
