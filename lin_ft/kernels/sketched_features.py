"""One row of k numbers for each sample whose inner products are the tangent kernel, nearly: linear in the samples."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.functions import as_function, check_independent, check_inputs, features_of, n_outputs
from lin_ft.kernels.blocks import BLOCK_SIZE, MEMORY_LIMIT
from lin_ft.kernels.precision import kernel_dtype
from lin_ft.kernels.sketch import Projection, row_blocks
from lin_ft.trainable import Trainable, split
from lin_ft.typing import Apply, Array, Features, Params


def sketched_features(
    apply: Apply,
    params: Params,
    x: Array,
    *,
    dimension: int = 4096,
    probes: int | None = None,
    kind: str = "sparse",
    key: Any = None,
    trainable: Trainable = "all",
    memory_limit: int = MEMORY_LIMIT,
    features: Features | None = None,
) -> Float[np.ndarray, "n m"]:
    """Features Z with E Z Zᵀ = `gram(output="trace")`, for the primal forms of `lin_ft.predict`.

    The gradients of all outputs of a sample, divided by sqrt(C), are one row, projected to k = `dimension` numbers. A
    trainable head adds its own features exactly: [Z, phi, 1], m = k + d + 1. With `probes` the kernel is that of
    `probe_gram(of="features")`, from as many random combinations of the features, whatever the head in `params`. The
    same `key` gives the same projection and probes for other samples. An entry of Z Zᵀ has the error of `sketch_gram`.
    Cost: n C (n `probes`) reverse passes and n C P additions; memory n m numbers, and one block within `memory_limit`.

    Args:
        apply: (params, x) -> outputs; from `lin_ft.from_linen`, `from_nnx`, or any function.
        params: the weights w0 at which it is linearized.
        x: samples, (n, ...).
        dimension: k, numbers that a row of gradients is projected to.
        probes: random combinations of the features; None: all outputs.
        kind: of projection: `sparse`, `rademacher` or `gaussian`.
        key: of projection and probes; None: `jax.random.key(0)`.
        trainable: which weights train: "all", "head", "norm", "last_block" or a predicate on paths.
        memory_limit: bytes of one block.
        features: phi of x if at hand, which saves a forward pass.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lin_ft.kernels import sketched_features
        >>> x = jnp.arange(10.0).reshape(2, 5)
        >>> sketched_features(lambda params, x: x @ params["w"], {"w": jnp.ones((5, 50))}, x, dimension=100).shape
        (2, 100)

    Raises:
        InputError: an unknown projection, a dimension below the number of outputs, probes of a function without a head,
            and as `gram`.
    """
    function = as_function(apply)
    check_independent(function, params, x)
    check_inputs(params, x)
    width = n_outputs(function, params, x)
    if dimension < width:
        raise InputError(
            f"A sketch of {dimension} dimensions cannot tell {width} outputs apart; give at least {width}."
        )
    if probes is not None and (probes < 1 or not function.has_head):
        raise InputError("Probes need a number of at least 1, and a module with a `features` method and a `head`.")
    key = jax.random.key(0) if key is None else key
    if probes is None:
        of, combinations = "logits", np.eye(width) / np.sqrt(width)
    else:
        n_features = params["head"]["kernel"].shape[0]
        drawn = np.asarray(jax.random.rademacher(key, (probes, n_features), "float32"))
        of, combinations = "features", drawn / np.sqrt(n_features * probes)
    chosen, frozen = split(params, trainable)
    backbone = {**chosen, "head": None} if function.has_head else chosen
    if function.has_head:
        frozen = {**frozen, "head": params["head"] if of == "logits" else None}
    parts: list[np.ndarray] = []
    if sum(np.size(leaf) for leaf in jax.tree.leaves(backbone)):
        shared = (function, backbone, frozen, jnp.asarray(combinations, jnp.result_type(*jax.tree.leaves(params))))
        blocks = row_blocks(
            shared, x, of=of, block_size=BLOCK_SIZE, memory_limit=memory_limit, dtype=kernel_dtype(params)
        )
        projection, projected = None, []
        for rows in blocks:
            joined = [leaf.reshape(len(leaf), -1) for leaf in rows]
            sizes = [leaf.shape[1] for leaf in joined]
            projection = projection or Projection(sizes, dimension, kind=kind, key=key)
            projected.append(projection(joined))
        parts.append(np.concatenate(projected)[: len(x)])
    if function.has_head and chosen["head"].get("kernel") is not None:
        phi = features_of(function, params, x) if features is None else features
        parts.append(np.asarray(phi, kernel_dtype(params)))
    if function.has_head and chosen["head"].get("bias") is not None:
        parts.append(np.ones((len(x), 1), kernel_dtype(params)))
    return np.concatenate(parts, axis=1)
