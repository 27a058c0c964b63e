"""Does a score order the models as fine-tuning does? Four correlations over the models of one task.

Each is in [-1, 1], NaN where fewer than three models have both values or one of the two is constant: a score that
says the same of every model orders none, and no coefficient is made up for it. A model without a value is left out.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from lin_ft.benchmark.results import Row

LEAST_MODELS = 3


def pearson(scores: Row, accuracies: Row) -> float:
    """sum_i (s_i - s̄)(a_i - ā) / sqrt(sum_i (s_i - s̄)² sum_i (a_i - ā)²); `scipy.stats.pearsonr` without the test.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import pearson
        >>> round(pearson(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.5, 0.6, 0.9, 0.8])), 3)
        0.849
    """
    s, a = _both(scores, accuracies)
    if len(s) < LEAST_MODELS or np.ptp(s) == 0 or np.ptp(a) == 0:
        return float("nan")
    s, a = s - s.mean(), a - a.mean()
    s, a = s / np.abs(s).max(), a / np.abs(a).max()  # squares of tiny or huge scores stay in range
    return float(np.clip(s @ a / np.sqrt((s @ s) * (a @ a)), -1, 1))


def spearman(scores: Row, accuracies: Row) -> float:
    """Pearson correlation of the ranks, ties sharing their mean rank: `scipy.stats.spearmanr`.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import spearman
        >>> round(spearman(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.5, 0.6, 0.9, 0.8])), 3)
        0.8
    """
    s, a = _both(scores, accuracies)
    return pearson(stats.rankdata(s), stats.rankdata(a))


def kendall(scores: Row, accuracies: Row) -> float:
    """tau-b = (pairs in order - pairs out of order) / sqrt(untied pairs of s x untied pairs of a).

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import kendall
        >>> round(kendall(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.5, 0.6, 0.9, 0.8])), 3)
        0.667
    """
    s, a = _both(scores, accuracies)
    if len(s) < LEAST_MODELS or np.ptp(s) == 0 or np.ptp(a) == 0:
        return float("nan")
    upper = np.triu_indices(len(s), 1)
    signs_s, signs_a = (np.sign(np.subtract.outer(values, values))[upper] for values in (s, a))
    return float(signs_s @ signs_a / np.sqrt((signs_s @ signs_s) * (signs_a @ signs_a)))


def weighted_tau(scores: Row, accuracies: Row) -> float:
    """Kendall's tau with hyperbolic weights, so that mistakes among the best models count most (Vigna 2015).

    `scipy.stats.weightedtau` as most papers on transferability report it: ranks by (score, accuracy) and by
    (accuracy, score), averaged.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import weighted_tau
        >>> round(weighted_tau(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.5, 0.6, 0.9, 0.8])), 3)
        0.52
    """
    s, a = _both(scores, accuracies)
    if len(s) < LEAST_MODELS or np.ptp(s) == 0 or np.ptp(a) == 0:
        return float("nan")
    result: Any = stats.weightedtau(s, a)
    return float(result.statistic)


CORRELATIONS: dict[str, Callable[[Row, Row], float]] = {
    "spearman": spearman,
    "kendall": kendall,
    "weighted_tau": weighted_tau,
    "pearson": pearson,
}


def _both(scores: Row, accuracies: Row) -> tuple[np.ndarray, np.ndarray]:
    kept = np.isfinite(scores) & np.isfinite(accuracies)
    return scores[kept], accuracies[kept]
