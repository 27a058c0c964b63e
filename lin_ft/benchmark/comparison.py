"""Which differences between scores are more than luck of the tasks? Paired tests, Holm, the critical difference."""

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy import stats

from lin_ft.benchmark.power import resolution
from lin_ft.benchmark.resampling import mean
from lin_ft.benchmark.results import PerTask
from lin_ft.errors import InputError

EXACT_TASKS = 16
"""Up to so many tasks all 2^T sign flips are counted, beyond it 100,000 random ones."""


@dataclasses.dataclass(frozen=True)
class PairedTest:
    """Two scores on the same tasks. `p` is two-sided; `p_holm` is corrected for all pairs tested together."""

    first: str
    second: str
    difference: float
    """Mean over tasks, first minus second."""
    p: float
    p_holm: float


def sign_flip_test(differences: Float[np.ndarray, " T"], seed: int = 0) -> float:
    """Two-sided p of mean difference 0: share of the 2^T sign patterns with |mean| at least the observed.

    Exact for T <= 16 tasks, where the least possible p is 2^(1-T). Differences that are NaN are left out.
    """
    d = differences[np.isfinite(differences)]
    if not len(d) or not np.any(d):
        return 1.0
    if len(d) <= EXACT_TASKS:
        signs = np.asarray(list(itertools.product((1.0, -1.0), repeat=len(d))))
        return float((np.abs(signs @ d) >= abs(d.sum()) * (1 - 1e-12)).mean())
    rng = np.random.default_rng(seed)
    sums = np.concatenate([rng.choice((1.0, -1.0), (10_000, len(d))) @ d for _ in range(10)])
    return float((1 + (np.abs(sums) >= abs(d.sum()) * (1 - 1e-12)).sum()) / (1 + len(sums)))


def wilcoxon_test(differences: Float[np.ndarray, " T"]) -> float:
    """Two-sided Wilcoxon signed-rank test (`scipy.stats.wilcoxon`), zero differences dropped; 1 when all are 0."""
    d = differences[np.isfinite(differences) & (differences != 0)]
    if not len(d):
        return 1.0
    result: Any = stats.wilcoxon(d)
    return float(result.pvalue)


TESTS = {"sign_flip": sign_flip_test, "wilcoxon": wilcoxon_test}


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Holm 1979: the i-th smallest of m p-values times m - i + 1, never smaller than the one before, at most 1.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import holm
        >>> np.round(holm([0.01, 0.04, 0.03]), 3)
        array([0.03, 0.06, 0.06])
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    corrected, largest = [0.0] * len(p_values), 0.0
    for place, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[i]))
        corrected[i] = largest
    return tuple(corrected)


def paired_tests(values: PerTask, *, test: str = "sign_flip", against: str | None = None) -> tuple[PairedTest, ...]:
    """Every pair of scores, or every score against one; Holm-corrected over the pairs tested, least p first.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import paired_tests
        >>> mine, theirs = np.array([0.5, 0.6, 0.7, 0.5, 0.6, 0.8]), np.array([0.2, 0.4, 0.3, 0.3, 0.1, 0.5])
        >>> (row,) = paired_tests({"mine": mine, "theirs": theirs})
        >>> round(row.difference, 3), row.p  # 2 of 64 patterns of signs
        (0.317, 0.03125)
    """
    if test not in TESTS:
        raise InputError(f"test {test!r}: unknown; one of {', '.join(TESTS)}.")
    if against is not None and against not in values:
        raise InputError(f"score {against!r}: not among those compared, {', '.join(values)}.")
    _check(values)
    pairs = list(itertools.combinations(values, 2))
    if against is not None:
        pairs = [(against, other) for other in values if other != against]
    differences = [values[first] - values[second] for first, second in pairs]
    p_values = [TESTS[test](d) for d in differences]
    rows = [
        PairedTest(*pair, float(np.nanmean(d)) if np.isfinite(d).any() else math.nan, p, corrected)
        for pair, d, p, corrected in zip(pairs, differences, p_values, holm(p_values), strict=True)
    ]
    return tuple(sorted(rows, key=lambda row: row.p))


@dataclasses.dataclass(frozen=True)
class CriticalDifference:
    """Means of k scores over T tasks and those that cannot be told from the best."""

    means: dict[str, float]
    """Best first."""
    best: str
    """The best score: the first of those compared."""
    n_tasks: int
    difference: float
    """The smallest difference that the matrix can show: 80 % power, paired, at 5 % (lin_ft.benchmark.power)."""
    group: tuple[str, ...]
    """Within `difference` of the best score, itself included."""
    friedman_p: float
    """Of all scores being alike; without a small one, no pair should be read as different."""


def critical_difference(values: PerTask, *, compared: Sequence[str] = ()) -> CriticalDifference:
    """Scores by their mean, and one group: those whose distance to the best is too small for this matrix to show.

    Demšar's diagram (2006) bounds differences of mean ranks by Nemenyi's test, whose verdict on two scores depends on
    which others are present. Here the bound is the difference that a paired test of two typical scores would find. The
    best and the bound are of `compared` (default: all): rankings that are blind to the task, or a real fine-tuning, are
    shown beside the scores but set neither. Undefined values are left out of means, and rank last in Friedman's test.

    Raises InputError with fewer than two scores or three tasks, values of unequal length.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import critical_difference
        >>> rng = np.random.default_rng(0)
        >>> task, levels = rng.normal(0, 0.1, 12), {"b": 0.5, "a": 0.7, "c": 0.3}
        >>> values = {name: level + task + rng.normal(0, 0.01, 12) for name, level in levels.items()}
        >>> critical_difference(values).group  # not told from the best
        ('a',)
    """
    _check(values)
    means = {name: mean(np.asarray(row)) for name, row in values.items()}
    means = dict(sorted(means.items(), key=lambda item: (math.isnan(item[1]), -item[1], item[0])))
    found = resolution(values, compared)
    best = next(name for name in means if not compared or name in compared)
    group = tuple(name for name, value in means.items() if abs(means[best] - value) <= found.difference)
    table = np.stack([np.where(np.isnan(row), -np.inf, row) for row in values.values()])
    return CriticalDifference(
        means, best, found.n_tasks, found.difference, group, _friedman(stats.rankdata(-table, axis=0))
    )


def _friedman(places: Float[np.ndarray, "k T"]) -> float:
    """Chi-squared form with the correction for ties; two scores: the sign test's normal approximation."""
    k, n = places.shape
    spread = ((places - (k + 1) / 2) ** 2).sum() / (k - 1)  # n k (k + 1) / 12 without ties
    if spread == 0:
        return 1.0
    chi2 = ((places.sum(axis=1) - n * (k + 1) / 2) ** 2).sum() / spread
    return float(stats.chi2.sf(chi2, k - 1))


def _check(values: PerTask) -> None:
    lengths = {len(row) for row in values.values()}
    if len(values) < 2 or len(lengths) != 1 or min(lengths) < 2:
        raise InputError("Scores are compared on the same tasks: give at least two scores and two tasks.")
