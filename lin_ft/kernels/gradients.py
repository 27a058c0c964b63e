"""Per-example gradients themselves, for projections and for scores that need them."""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from lin_ft import sharding
from lin_ft.functions import as_function, balanced_size, check_inputs, n_outputs, padded
from lin_ft.kernels.structured import StructuredRows
from lin_ft.trainable import Trainable, split
from lin_ft.typing import Apply, Array, Params


def per_example_gradients(
    apply: Apply,
    params: Params,
    x: Array,
    *,
    trainable: Trainable = "all",
    summed: bool = False,
    batch_size: int = 64,
) -> Float[np.ndarray, "n k P"]:
    """df_c(x_i) / dw, (n, C, P); or of the sum over c (`summed`), (n, 1, P).

    Args:
        apply: (params, x) -> outputs; from `lin_ft.from_linen`, `from_nnx`, or any function.
        params: the weights w0 at which it is linearized.
        x: samples, (n, ...).
        trainable: which weights train: "all", "head", "norm", "last_block" or a predicate on paths.
        summed: the gradient of the sum of the outputs, in place of one for each.
        batch_size: samples at a time.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lin_ft.kernels import per_example_gradients
        >>> x = jnp.arange(10.0).reshape(2, 5)
        >>> per_example_gradients(lambda params, x: x @ params["w"], {"w": jnp.ones((5, 3))}, x).shape
        (2, 3, 15)

    Cost: n C P numbers, n C reverse passes.
    """
    check_inputs(params, x)
    function = as_function(apply)
    chosen, frozen = split(params, trainable)
    width = n_outputs(function, params, x)
    combinations = np.ones((1, width)) if summed else np.eye(width)
    dtype = np.result_type(*(leaf.dtype for leaf in jax.tree.leaves(params)))
    shared = (function, chosen, frozen, jnp.asarray(combinations, dtype))
    size = balanced_size(x.shape[0], batch_size)
    make = sharding.map_examples(StructuredRows("logits", full=False, factors=False), sharding.local(1))
    blocks = []
    for start in range(0, x.shape[0], size):
        leaves = make(shared, np.asarray(padded(x[start : start + size], size)))
        blocks.append(np.concatenate([np.asarray(leaf) for leaf in leaves], axis=2))
    return np.concatenate(blocks)[: x.shape[0]]
