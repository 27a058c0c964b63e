"""Which differences between scores are more than luck of the tasks? Paired tests, Holm, critical differences."""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy import stats

from lin_ft.errors import InputError

PerTask = Mapping[str, Float[np.ndarray, " T"]]
"""Score -> one value a task, larger is better, e.g. its rank correlation."""
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
    """Holm 1979: the i-th smallest of m p-values times m - i + 1, never smaller than the one before, at most 1."""
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    corrected, largest = [0.0] * len(p_values), 0.0
    for place, i in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[i]))
        corrected[i] = largest
    return tuple(corrected)


def paired_tests(values: PerTask, *, test: str = "sign_flip", against: str | None = None) -> tuple[PairedTest, ...]:
    """Every pair of scores, or every score against one; Holm-corrected over the pairs tested, least p first."""
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
    """Mean ranks of k scores over T tasks (1 is best) and the cliques that no test tells apart (Demšar 2006)."""

    ranks: dict[str, float]
    """Best first."""
    n_tasks: int
    difference: float | None
    """Nemenyi: mean ranks further apart than this differ at the level alpha. None for pairwise tests."""
    friedman_p: float
    """Of all scores being alike; without a small one, no pair should be read as different."""
    cliques: tuple[tuple[str, ...], ...]
    method: str


def nemenyi_difference(n_scores: int, n_tasks: int, alpha: float = 0.05) -> float:
    """q_alpha sqrt(k (k + 1) / (6 T)), q_alpha the studentized range at infinite degrees of freedom over sqrt 2."""
    q = float(stats.studentized_range.ppf(1 - alpha, n_scores, np.inf)) / math.sqrt(2)
    return q * math.sqrt(n_scores * (n_scores + 1) / (6 * n_tasks))


def critical_difference(values: PerTask, *, alpha: float = 0.05, method: str = "nemenyi") -> CriticalDifference:
    """Friedman's test and the cliques: consecutive scores that are not told apart.

    By "nemenyi", whose verdict on a pair depends on the other scores present; or by "wilcoxon" or "sign_flip", pairwise
    with Holm's correction, which does not (Benavoli et al. 2016) but needs about 9 tasks to find anything. An undefined
    value ranks last in its task, tied.

    Raises InputError with fewer than two scores or two tasks, values of unequal length, an unknown method.
    """
    _check(values)
    if method != "nemenyi" and method not in TESTS:
        raise InputError(f"method {method!r}: unknown; one of nemenyi, {', '.join(TESTS)}.")
    names = list(values)
    table = np.stack([np.where(np.isnan(values[name]), -np.inf, values[name]) for name in names])
    places = stats.rankdata(-table, axis=0)
    mean_rank = places.mean(axis=1)
    order = sorted(range(len(names)), key=lambda i: (mean_rank[i], names[i]))
    ranks = {names[i]: float(mean_rank[i]) for i in order}
    n_tasks = table.shape[1]
    if method == "nemenyi":
        difference = nemenyi_difference(len(names), n_tasks, alpha)
        alike = {(a, b): abs(ranks[a] - ranks[b]) <= difference for a in ranks for b in ranks}
    else:
        difference = None
        alike = {(row.first, row.second): row.p_holm > alpha for row in paired_tests(values, test=method)}
        alike |= {(b, a): same for (a, b), same in alike.items()} | {(a, a): True for a in ranks}
    return CriticalDifference(ranks, n_tasks, difference, _friedman(places), _cliques(list(ranks), alike), method)


def _cliques(ordered: list[str], alike: Mapping[tuple[str, str], bool]) -> tuple[tuple[str, ...], ...]:
    """Maximal runs of consecutive scores, all pairs alike, of two or more."""
    runs, end = [], 0
    for start in range(len(ordered)):
        stop = start + 1
        while stop < len(ordered) and all(alike[ordered[i], ordered[stop]] for i in range(start, stop)):
            stop += 1
        if stop > end and stop - start > 1:
            runs.append(tuple(ordered[start:stop]))
        end = max(end, stop)
    return tuple(runs)


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
