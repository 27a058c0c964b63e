"""Statistics of one layer, between the target's and the source's."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import jax.numpy as jnp
import numpy as np

from lin_ft.typing import Array

Moments: TypeAlias = Mapping[str, Any]
"""mean and var of one layer's channels."""

CONSTANT = 1e-6
"""A channel whose variance on the target is a smaller share of the source's is constant there."""


def moments(h: Any, axis: int | Sequence[int]) -> Moments:
    """Over all axes of h but `axis`, in float32 or wider; variances over n, as BatchNorm takes them."""
    kept = {each % h.ndim for each in np.atleast_1d(np.asarray(axis))}
    over = tuple(each for each in range(h.ndim) if each not in kept)
    wide = h if jnp.finfo(h.dtype).bits >= 32 else h.astype(jnp.float32)
    return {"mean": wide.mean(over), "var": wide.var(over)}


def blend(target: Moments, source: Moments, share: Any) -> Moments:
    """`share` of the target's and 1 - share of the source's; the source's alone where the target is constant."""
    new = {name: jnp.asarray(target[name]) for name in ("mean", "var")}
    old = {name: jnp.asarray(source[name], new[name].dtype) for name in new}
    share, constant = jnp.asarray(share, new["var"].dtype), is_constant(new, old)
    return {name: jnp.where(constant, old[name], share * new[name] + (1 - share) * old[name]) for name in new}


def is_constant(target: Moments, source: Moments) -> Any:
    """Channels that the target's images leave constant: variance below CONSTANT of the source's; elementwise."""
    return target["var"] < CONSTANT * jnp.asarray(source["var"], jnp.result_type(target["var"]))


def joined(parts: Sequence[tuple[int, Moments]]) -> dict[str, Array]:
    """Moments of all samples, from (n, moments) of each part: the law of total variance, in float64."""
    n = sum(count for count, _ in parts)
    mean = sum(count / n * np.asarray(part["mean"], np.float64) for count, part in parts)
    var = sum(
        count / n * (np.asarray(part["var"], np.float64) + (np.asarray(part["mean"], np.float64) - mean) ** 2)
        for count, part in parts
    )
    return {"mean": np.asarray(mean), "var": np.asarray(var)}
