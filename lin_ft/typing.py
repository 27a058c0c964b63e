"""Shape-annotated aliases, named once (design notation: n samples, C classes, d features, P parameters)."""

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import numpy as np
from jaxtyping import Float, Int, UInt8

Array: TypeAlias = jax.Array | np.ndarray
Params: TypeAlias = Any
"""A pytree of weights: nested dicts of arrays."""
Apply: TypeAlias = Callable[[Params, Array], Array]
"""The one contract: apply(params, x) -> logits, (n, ...) -> (n, C)."""

Images: TypeAlias = Float[Array, "n height width channels"]
Pixels: TypeAlias = UInt8[np.ndarray, "n height width 3"]
Labels: TypeAlias = Int[Array, " n"]
Logits: TypeAlias = Float[Array, "n C"]
Features: TypeAlias = Float[Array, "n d"]
Kernel: TypeAlias = Float[Array, "n n"]
