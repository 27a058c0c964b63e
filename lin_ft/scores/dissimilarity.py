# pyright: reportMissingTypeStubs=false, reportUnknownVariableType=false
"""Dissimilarities of pairs of images in one representation, and their rank correlation."""

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.scores.inputs import Matrix, matrix
from lin_ft.typing import Array


def paired_features(features: Array, target_features: Array) -> tuple[Matrix, Matrix]:
    """Features of the same n samples by two networks, checked; InputError where the numbers of rows differ."""
    x, z = matrix(features), matrix(target_features, "target features")
    if len(x) != len(z):
        raise InputError(f"target features: {len(z)} rows, but there are {len(x)} samples.")
    return x, z


def correlation_distances(x: Matrix) -> Float[np.ndarray, "n n"]:
    """1 - Pearson correlation of every two rows; of a constant row, 1."""
    rows = unit_rows(x - x.mean(1, keepdims=True))
    return 1 - rows @ rows.T


def standardised(x: Matrix) -> Matrix:
    """Columns of mean 0 and variance 1; columns that vary by rounding only become 0."""
    centred = x - x.mean(0)
    deviation = centred.std(0)
    noise = 1e-10 * max(float(np.abs(x).max()), np.finfo(np.float64).tiny)
    return np.where(deviation > noise, centred / np.where(deviation > noise, deviation, 1), 0.0)


def unit_rows(x: Matrix) -> Matrix:
    """Rows divided by their Euclidean norm; rows of zeros stay."""
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    return np.where(norms > 0, x / np.where(norms > 0, norms, 1), 0.0)


def spearman(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson correlation of average ranks; 0 where all are tied."""
    from scipy.stats import rankdata

    a, b = (ranks - ranks.mean() for ranks in (rankdata(one), rankdata(other)))
    norm = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / norm) if norm > 0 else 0.0


def spearman_of_part(values: Float[np.ndarray, " N"], part: Float[np.ndarray, " m"]) -> float:
    """Spearman correlation of `values` with whether each is one of `part`; 0 where all are tied, or all are.

    With R the mean rank in the part and r that of all, (N + 1) / 2, it is (R - r) sqrt(m N / ((N - m) sum (r_i - r)²)):
    the Mann-Whitney statistic, which takes one sort of the values and no ranks of the others.
    """
    n, m = len(values), len(part)
    if not 0 < m < n:
        return 0.0
    ordered = np.sort(values)
    ranks = (np.searchsorted(ordered, part, "left") + 1 + np.searchsorted(ordered, part, "right")) / 2
    tied = np.diff(np.r_[0, np.flatnonzero(ordered[1:] != ordered[:-1]) + 1, n]).astype(np.float64)
    squares = (float(n) ** 3 - n - np.sum(tied**3 - tied)) / 12
    return float((ranks.mean() - (n + 1) / 2) * np.sqrt(m * n / ((n - m) * squares))) if squares > 0 else 0.0
