"""Predicted gain over a reference model, and bootstrap intervals of accuracies and gains."""

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.typing import Array


def predicted_gain(correct: Float[Array, " n"], reference: Float[Array, " n"]) -> float:
    """Mean of `correct` minus mean of `reference`: accuracy points, a fraction in [-1, 1]."""
    return float(np.mean(_paired(correct, reference)))


def bootstrap_interval(
    correct: Array,
    reference: Array | None = None,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap over samples of the mean of `correct`, (n,), or of its paired gain over `reference`.

    It speaks of the draw of the images that are judged, not of another draw of the images trained on.
    Cost: `resamples` x n multinomial counts.
    """
    values = np.asarray(correct, np.float64) if reference is None else _paired(correct, reference)
    if values.ndim != 1 or not len(values):
        raise InputError(f"bootstrap: shape {values.shape}; give one number a sample.")
    if not 0 < level < 1:
        raise InputError(f"bootstrap level {level}: give a number between 0 and 1.")
    n = len(values)
    weights = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)
    means = weights @ values / n
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _paired(correct: Array, reference: Array) -> np.ndarray:
    one, other = np.asarray(correct, np.float64), np.asarray(reference, np.float64)
    if one.shape != other.shape:
        raise InputError(f"gain: {one.shape} and {other.shape} predictions; both must be of the same samples.")
    return one - other
