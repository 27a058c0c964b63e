"""Jacobian contraction: per-example gradients in blocks of rows, and their inner products.

The common core of `jacobian_gram` (rows: gradients of each output) and `lin_ft.kernels.pseudo` (rows:
gradients of a few random combinations). Only the backbone's rows are formed: with a separate head its own
block of the kernel is the Kronecker product (phi phiᵀ + 1) ⊗ I, added in closed form.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from lin_ft import sharding
from lin_ft.errors import InputError
from lin_ft.functions import (
    ModelFunction,
    as_function,
    balanced_size,
    check_inputs,
    features_of,
    n_outputs,
    padded,
)
from lin_ft.kernels.convolutions import with_fast_weight_gradients
from lin_ft.sharding import DeviceChoice
from lin_ft.trainable import Trainable, merge, split
from lin_ft.typing import Apply, Array, Params

BLOCK_SIZE = 64
MEMORY_LIMIT = 2**30


def jacobian_gram(
    apply: Apply,
    params: Params,
    x1: Array,
    x2: Array | None = None,
    *,
    output: str = "trace",
    trainable: Trainable = "all",
    block_size: int = BLOCK_SIZE,
    memory_limit: int = MEMORY_LIMIT,
    devices: DeviceChoice = None,
) -> Float[np.ndarray, "n1 n2"] | Float[np.ndarray, "n1 C n2 C"]:
    """Empirical NTK Theta = J Jᵀ of x1 against x2 (None: x1 itself, at half the work).

    `full`: Theta[i, c, j, e] = <df_c(x_i)/dw, df_e(x_j)/dw>, (n1, C, n2, C).
    `trace`: K[i, j] = (1/C) sum_c Theta[i, c, j, c], (n1, n2): the mean over outputs (as in neural-tangents),
    so that Theta is approximated by K ⊗ I_C with the same trace.

    `memory_limit` (bytes) bounds the stored gradient rows, C P numbers a sample; activations of one block of
    `block_size` samples come on top. When not all rows fit, some are computed again.
    Cost: n C reverse passes and n1 n2 C P multiply-adds (C times more for `full`).

    Raises:
        InputError: unknown output or trainable name, shapes or values that do not fit, a limit too small for
            two rows.
    """
    if output not in ("trace", "full"):
        raise InputError(f"Unknown output '{output}'; known are trace, full.")
    function = as_function(apply)
    n_classes = n_outputs(function, params, x1)
    kernel = blocked_gram(
        function,
        params,
        x1,
        x2,
        combinations=np.eye(n_classes),
        of="logits",
        output="full" if output == "full" else "sum",
        trainable=trainable,
        block_size=block_size,
        memory_limit=memory_limit,
        devices=devices,
    )
    kernel = kernel if output == "full" else kernel / n_classes
    head = head_gram(function, params, x1, x2, trainable=trainable)
    if head is None:
        return kernel
    if output == "trace":
        return kernel + head
    return kernel + np.einsum("ij,ce->icje", head, np.eye(n_classes, dtype=head.dtype))


def whole_jacobian_gram(
    apply: Apply, params: Params, x1: Array, x2: Array | None = None, *, trainable: Trainable = "all"
) -> Float[Array, "n1 C n2 C"]:
    """The slow, obvious twin of `jacobian_gram(output="full")`: the whole Jacobian by `jax.jacrev`, then J
    Jᵀ.
    """
    chosen, frozen = split(params, trainable)

    @jax.jit
    def jacobian(x: Array) -> jax.Array:
        leaves = jax.tree.leaves(jax.jacrev(lambda w: apply(merge(w, frozen), x))(chosen))
        return jnp.concatenate([leaf.reshape(*leaf.shape[:2], -1) for leaf in leaves], axis=2)

    return jnp.einsum("icp,jep->icje", jacobian(x1), jacobian(x1 if x2 is None else x2))


def head_gram(
    function: ModelFunction,
    params: Params,
    x1: Array,
    x2: Array | None,
    *,
    trainable: Trainable,
    batch_size: int = 128,
) -> Float[np.ndarray, "n1 n2"] | None:
    """The head's own block, phi phiᵀ for a trainable W plus 1 for a trainable b; None without a separate
    head.
    """
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
    trainable: Trainable,
    block_size: int,
    memory_limit: int,
    devices: DeviceChoice,
) -> Float[np.ndarray, "n1 n2"] | Float[np.ndarray, "n1 p n2 p"]:
    """Gram matrix of the rows g_k(x) = d (combination_k · h(x)) / d backbone, h = logits or features.

    `output` "sum": sum over k of <g_k(x_i), g_k(x_j)>; "full": <g_k(x_i), g_l(x_j)>.
    """
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
    n_weights = sum(np.size(leaf) for leaf in jax.tree.leaves(chosen))
    if n_weights == 0:
        return kernel

    used = sharding.local(devices)
    rows_that_fit = memory_limit // (count * n_weights * dtype.itemsize)
    if rows_that_fit < 2 * len(used):
        least = 2 * len(used) * count * n_weights * dtype.itemsize
        raise InputError(f"The memory limit of {memory_limit} bytes is too small; the least that works is {least}.")
    size = balanced_size(x1.shape[0], min(block_size * len(used), rows_that_fit // 2))
    size += -size % len(used)
    make = sharding.map_examples(_ROWS[of], used)
    contract = sharding.outer(_CONTRACT[output], used)
    shared = (function, chosen, frozen, jnp.asarray(combinations, dtype))

    def rows(x: Array, start: int) -> Any:
        return make(shared, np.asarray(padded(x[start : start + size], size)))

    def put(start1: int, start2: int, block: Any) -> None:
        columns = (slice(start2, start2 + size),) if output == "sum" else (slice(None), slice(start2, start2 + size))
        view = kernel[(slice(start1, start1 + size), *columns)]
        view[...] = np.asarray(block)[tuple(slice(length) for length in view.shape)]  # without the padding

    starts1 = list(range(0, shape[0], size))
    starts2 = starts1 if x2 is None else list(range(0, shape[2], size))
    held_blocks = max(1, rows_that_fit // size - 1) if len(starts1) * size > rows_that_fit else len(starts1)
    for first in range(0, len(starts1), held_blocks):
        held = {start: rows(x1, start) for start in starts1[first : first + held_blocks]}
        for start2 in starts2:
            if x2 is None and start2 < starts1[first]:
                continue  # filled by symmetry below
            right = held[start2] if x2 is None and start2 in held else rows(x1 if x2 is None else x2, start2)
            for start1, left in held.items():
                if x2 is not None or start1 <= start2:
                    put(start1, start2, contract(left, right))
    return kernel if x2 is not None else _mirrored(kernel)


def per_example_gradients(
    apply: Apply,
    params: Params,
    x: Array,
    *,
    trainable: Trainable = "all",
    summed: bool = False,
    batch_size: int = BLOCK_SIZE,
) -> Float[np.ndarray, "n k P"]:
    """df_c(x_i) / dw, (n, C, P); or of the sum over c (`summed`), (n, 1, P). Cost: n C P numbers, n C
    reverse passes.
    """
    check_inputs(params, x)
    function = as_function(apply)
    chosen, frozen = split(params, trainable)
    width = n_outputs(function, params, x)
    combinations = np.ones((1, width)) if summed else np.eye(width)
    dtype = np.result_type(*(leaf.dtype for leaf in jax.tree.leaves(params)))
    shared = (function, chosen, frozen, jnp.asarray(combinations, dtype))
    size = balanced_size(x.shape[0], batch_size)
    make = sharding.map_examples(_logit_rows, sharding.local(1))
    blocks = []
    for start in range(0, x.shape[0], size):
        leaves = make(shared, np.asarray(padded(x[start : start + size], size)))
        blocks.append(np.concatenate([np.asarray(leaf) for leaf in leaves], axis=2))
    return np.concatenate(blocks)[: x.shape[0]]


def _mirrored(kernel: np.ndarray) -> np.ndarray:
    """The upper triangle copied to the lower one, so that the result is symmetric to the last bit."""
    flat = kernel.reshape(kernel.shape[0] * (kernel.shape[1] if kernel.ndim == 4 else 1), -1)
    return (np.triu(flat) + np.triu(flat, 1).T).reshape(kernel.shape)


def _rows(of: str, shared: Any, x: Any) -> list[jax.Array]:
    """Per-example gradients, one (block, p, size of leaf) array for each trainable leaf."""
    function, chosen, frozen, combinations = shared

    def one(xi: Any) -> Any:
        def h(w: Params, frozen: Params, xi: Any) -> Any:
            weights = merge(w, frozen)
            return (function.features if of == "features" else function)(weights, xi[None])[0]

        fast = with_fast_weight_gradients(h)
        _, pull = jax.vjp(lambda w: fast(w, frozen, xi), chosen)
        if len(combinations) == 1:
            return jax.tree.map(lambda leaf: leaf[None], pull(combinations[0])[0])
        return jax.vmap(lambda v: pull(v)[0])(combinations)

    gradients = jax.tree.leaves(jax.vmap(one)(x))
    return [leaf.reshape(*leaf.shape[:2], -1) for leaf in gradients]


def _logit_rows(shared: Any, x: Any) -> list[jax.Array]:
    return _rows("logits", shared, x)


def _feature_rows(shared: Any, x: Any) -> list[jax.Array]:
    return _rows("features", shared, x)


def _sum_contract(left: list[jax.Array], right: list[jax.Array]) -> jax.Array:
    parts = [_matmul(a.reshape(len(a), -1), b.reshape(len(b), -1)) for a, b in zip(left, right, strict=True)]
    return jax.tree.reduce(jnp.add, parts)


def _full_contract(left: list[jax.Array], right: list[jax.Array]) -> jax.Array:
    count = left[0].shape[1]
    parts = [_matmul(a.reshape(-1, a.shape[2]), b.reshape(-1, b.shape[2])) for a, b in zip(left, right, strict=True)]
    return jax.tree.reduce(jnp.add, parts).reshape(len(left[0]), count, len(right[0]), count)


def _matmul(a: jax.Array, b: jax.Array) -> jax.Array:
    # The highest precision: TF32 on a GPU would cost the kernel three digits.
    return jnp.matmul(a, b.T, precision=jax.lax.Precision.HIGHEST)


_ROWS = {"logits": _logit_rows, "features": _feature_rows}
_CONTRACT = {"sum": _sum_contract, "full": _full_contract}
