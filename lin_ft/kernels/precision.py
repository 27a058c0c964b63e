"""Number formats of kernels: float32, float64 on request, bfloat16 for the passes of an accelerator.

Relative error of a trace kernel, ||K - K64||_F / ||K64||_F, on the embedded zoo (median and worst of 8 models, 40
images; `experiments/benchmarks/precision.py`): float32 1.1e-6 and 2.7e-5, bfloat16 0.004 and 0.013.
"""

import contextlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lin_ft.errors import InputError
from lin_ft.functions import ModelFunction
from lin_ft.typing import Array, Params

FORMATS = ("float32", "float64", "bfloat16")


def in_format(name: str) -> contextlib.AbstractContextManager[Any]:
    """Inside, arrays can have this format: float64 switches JAX's 64-bit mode on, for this thread only.

    Raises:
        InputError: an unknown format.
    """
    if name not in FORMATS:
        raise InputError(f"Unknown number format '{name}'; known are {', '.join(FORMATS)}.")
    return jax.enable_x64(True) if name == "float64" else contextlib.nullcontext()


def cast(function: ModelFunction, params: Params, *samples: Array | None, name: str) -> tuple[Any, ...]:
    """(function, params, *samples) with all floating-point leaves, frozen statistics too, in that format."""

    def leaf(value: Any) -> Any:
        return jnp.asarray(value, name) if jnp.issubdtype(jnp.result_type(value), jnp.floating) else value

    frozen = jax.tree.map(leaf, function.frozen)
    body = ModelFunction(function.body, frozen, function.has_head)
    return body, jax.tree.map(leaf, params), *(None if x is None else leaf(x) for x in samples)


def kernel_dtype(params: Params) -> Any:
    """The format of the kernel: that of the weights, at least float32 (sums of bfloat16 products are float32)."""
    formats = [jnp.result_type(leaf) for leaf in jax.tree.leaves(params)]
    return np.dtype(widened(jnp.result_type(*formats)))


def widened(dtype: Any) -> Any:
    """That format, or float32 where it is narrower: what sums of its products are kept in."""
    with jax.numpy_dtype_promotion("standard"):  # this promotion is meant
        return jnp.promote_types(dtype, jnp.float32)
