"""Predicted gain over a reference model, and bootstrap intervals of accuracies and gains."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.typing import Array, Labels


def predicted_gain(
    correct: Float[Array, " n"], reference: Float[Array, " n"], *, labels: Labels | None = None
) -> float:
    """Accuracy of `correct` minus that of `reference`, in [-1, 1]; of balanced accuracies given `labels`.

    Both hold 1, 0, or a fraction for a tie, for the same samples: `Prediction.correct` of the two models.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import predicted_gain
        >>> predicted_gain(np.array([1.0, 1.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0, 0.5]))  # .75 against .375
        0.375
    """
    gains = _paired(correct, reference)
    return float(np.mean([values.mean() for values in _strata(gains, labels)]))


def balanced_accuracy(correct: Float[Array, " n"], labels: Labels) -> float:
    """The mean over classes of the accuracy within the class. scikit-learn: `balanced_accuracy_score`.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import balanced_accuracy
        >>> balanced_accuracy(np.array([1.0, 1.0, 1.0, 0.0]), np.array([0, 0, 0, 1]))  # always the larger class
        0.5
    """
    return float(np.mean([values.mean() for values in _strata(np.asarray(correct, np.float64), labels)]))


def is_unbalanced(counts: Sequence[int] | np.ndarray) -> bool:
    """Whether accuracy and balanced accuracy may differ: classes of `counts` samples, (C,), differ by more than one.

    Examples:
        >>> from lin_ft.predict import is_unbalanced
        >>> is_unbalanced([10, 9]), is_unbalanced([10, 5])
        (False, True)
    """
    return bool(len(counts)) and max(counts) - min(counts) > 1


def bootstrap_interval(
    correct: Array,
    reference: Array | None = None,
    *,
    labels: Labels | None = None,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap over samples of the mean of `correct`, (n,), or of its gain over `reference`.

    With `labels`, of the mean over classes of the class means, resampled within each class (balanced
    accuracy). It speaks of the draw of the images that are judged, not of another draw of the images trained
    on; for a handful of samples, or all right or all wrong, percentile intervals are too short. (Efron and
    Tibshirani 1993, chapter 13.)
    Cost: one multinomial draw over the distinct values, three for accuracies, for each resample and class.

    Args:
        correct: 1, 0 or a fraction for each sample.
        reference: the same of the model to compare with; None: none.
        labels: classes of the samples, for balanced accuracies.
        level: share of the resampled means that the interval holds.
        resamples: how many.
        seed: of the resampling.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import bootstrap_interval
        >>> low, high = bootstrap_interval(np.repeat([1.0, 0.0], [80, 20]))
        >>> 0.7 < low < 0.75 < 0.85 < high < 0.9
        True

    Raises:
        InputError: nothing to resample, values that are not finite, of different samples, or a level outside
            0 .. 1.
    """
    values = np.asarray(correct, np.float64) if reference is None else _paired(correct, reference)
    if values.ndim != 1 or not len(values):
        raise InputError(f"bootstrap: shape {values.shape}; give one number a sample.")
    if not np.isfinite(values).all():
        raise InputError("bootstrap: NaN or infinite values.")
    if not 0 < level < 1 or resamples < 1:
        raise InputError(f"bootstrap: level {level} and {resamples} resamples; give 0 < level < 1 and at least 1.")
    generator = np.random.default_rng(seed)
    strata = _strata(values, labels)
    means = np.zeros(resamples)
    for stratum in strata:
        # A resample only counts how often it met each distinct value: the same distribution, with few counts.
        distinct, counts = np.unique(stratum, return_counts=True)
        drawn = generator.multinomial(len(stratum), counts / len(stratum), size=resamples)
        means += drawn @ distinct / len(stratum) / len(strata)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _strata(values: np.ndarray, labels: Array | None) -> list[np.ndarray]:
    """The values of each class, or all as one stratum."""
    if labels is None:
        return [values]
    labels = np.asarray(labels)
    if labels.shape != values.shape:
        raise InputError(f"labels: shape {labels.shape}, but there are {values.shape} predictions.")
    return [values[labels == label] for label in np.unique(labels)]


def _paired(correct: Array, reference: Array) -> np.ndarray:
    one, other = np.asarray(correct, np.float64), np.asarray(reference, np.float64)
    if one.shape != other.shape:
        raise InputError(f"gain: {one.shape} and {other.shape} predictions; both must be of the same samples.")
    return one - other
