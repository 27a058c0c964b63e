"""BatchNorm's statistics where fine-tuning starts: re-estimated from the target's training images.

Fine-tuning runs BatchNorm in training mode, so from its first step on a network sees its target through the target's
statistics. The tangent model is taken there.
"""

import dataclasses
from typing import Any, Literal

import jax
import numpy as np
from jaxtyping import Float

from lin_ft.batch_statistics import linen
from lin_ft.batch_statistics.blend import Moments, blend, is_constant, joined
from lin_ft.errors import InputError
from lin_ft.functions import LinenBody, ModelFunction, NnxBody, check_inputs
from lin_ft.typing import Array, Params

Statistics = Literal["target", "source"]
STATISTICS: tuple[Statistics, ...] = ("target", "source")
SOURCE_WEIGHT = 10.0
"""n0: the source's statistics count as much as so many images of the target."""
PIXELS = 2**22
"""Of one forward pass: 4,096 images of 32 x 32, or 83 of 224 x 224."""


@dataclasses.dataclass(frozen=True, eq=False)
class TargetStatistics:
    """`function` with the new statistics, and what was done to come by them."""

    function: ModelFunction
    layers: dict[str, Moments]
    """Path of each layer that has new statistics -> these."""
    n_channels: int
    """Of these layers; 0: the network has no BatchNorm with running averages and is unchanged."""
    n_constant: int
    """Of them constant on the target; these keep the source's mean and variance."""


def target_statistics(
    function: ModelFunction,
    params: Params,
    x: Float[Array, "n ..."],
    *,
    source_weight: float = SOURCE_WEIGHT,
    seed: int = 0,
) -> TargetStatistics:
    """The same function with mean = (n m + n0 m0) / (n + n0) in each BatchNorm, and its variance likewise.

    m is the mean over the n images of `x` (and over positions), m0 the source's, n0 = `source_weight`: 0 gives the
    statistics of a forward pass in training mode, infinity those of the source. Every layer is seen behind layers that
    have their new statistics already. (Schneider et al. 2020, arXiv 2006.16971, section 2, where n and N stand for n0
    and n.) More images than one pass takes (`PIXELS`) are drawn into equal batches by `seed`; each normalises by its
    own part's statistics, and the law of total variance joins them. NumPy equivalent, first layer: `h.mean((0, 1, 2))`
    and `h.var((0, 1, 2))` of its inputs h.
    Cost: one forward pass. Layers without running averages (LayerNorm, folded BatchNorm) and functions that are no
    Flax modules are left as they are.

    Args:
        function: of the network.
        params: its weights.
        x: images of the target, normalised.
        source_weight: n0, how many images the source's statistics count for.
        seed: of the equal batches that many images are drawn into.

    Examples:
        >>> import jax
        >>> import lin_ft
        >>> from flax import linen as nn
        >>> from lin_ft.batch_statistics import target_statistics
        >>> class Net(nn.Module):
        ...     @nn.compact
        ...     def __call__(self, x, train=False):
        ...         return nn.Dense(2)(nn.BatchNorm(use_running_average=not train)(x))
        >>> x = 5 + jax.random.normal(jax.random.key(0), (100, 3))
        >>> apply, params = lin_ft.from_linen(Net(), Net().init(jax.random.key(1), x))
        >>> target = target_statistics(apply, params, x, source_weight=0.0)
        >>> target.n_channels, target.function.frozen["batch_stats"]["BatchNorm_0"]["mean"].round()
        (3, array([5., 5., 5.], dtype=float32))

    Raises:
        InputError: images that are all one constant, or make a statistic NaN; a negative weight.
    """
    if not source_weight >= 0:
        raise InputError(f"source_weight {source_weight}: give 0 or more images.")
    check_inputs(params, x)
    unchanged = TargetStatistics(function, {}, 0, 0)
    if np.isinf(source_weight) or not isinstance(function.body, LinenBody | NnxBody):
        return unchanged
    sources = _statistics(function, params)
    if not sources:
        return unchanged
    if not np.ptp(np.reshape(x, (-1, x.shape[-1])), axis=0).any():
        raise InputError(
            "batch statistics: every pixel of every training image is the same, so the target has none of its own;"
            ' look at the images, or take statistics="source".'
        )
    share = len(x) / (len(x) + source_weight)
    passes = [(len(part), _pass(function, params, part, share)) for part in _batches(np.asarray(x), seed)]
    layers, n_channels, n_constant = {}, 0, 0
    for name in passes[0][1]:
        source, target = sources[name], joined([(n, measured[name]) for n, measured in passes])
        if not all(np.isfinite(value).all() for value in target.values()):
            raise InputError(
                f"batch statistics: the training images make those of {name} NaN or infinite; look at the images, or"
                ' take statistics="source".'
            )
        layers[name] = {
            kind: np.asarray(value, np.asarray(source[kind]).dtype)
            for kind, value in blend(target, source, share).items()
        }
        n_channels, n_constant = n_channels + target["var"].size, n_constant + int(is_constant(target, source).sum())
    if not layers:
        return unchanged
    return TargetStatistics(_with(function, params, layers), layers, n_channels, n_constant)


def _batches(x: np.ndarray, seed: int) -> list[np.ndarray]:
    n_batches = min(len(x), -(-int(np.prod(x.shape[:-1])) // PIXELS))
    order = np.random.default_rng(seed).permutation(len(x)) if n_batches > 1 else np.arange(len(x))
    return [x[rows] for rows in np.array_split(order, n_batches)]


@jax.jit
def _pass(function: ModelFunction, params: Params, x: Any, share: Any) -> dict[str, Moments]:
    if isinstance(function.body, LinenBody):
        return linen.measure(function.body, params, function.frozen, x, share)
    return _nnx().measure(function.body, params, function.frozen, x, share)


def _statistics(function: ModelFunction, params: Params) -> dict[str, Moments]:
    return linen.statistics(function) if isinstance(function.body, LinenBody) else _nnx().statistics(function, params)


def _with(function: ModelFunction, params: Params, layers: dict[str, Moments]) -> ModelFunction:
    if isinstance(function.body, LinenBody):
        return dataclasses.replace(function, frozen=linen.replaced(function, layers))
    return dataclasses.replace(function, frozen=_nnx().replaced(function, params, layers))


def _nnx() -> Any:
    from lin_ft.batch_statistics import nnx  # half a second of import that linen users do not need

    return nnx
