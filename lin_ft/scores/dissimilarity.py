"""PARC, RSA and DDS: do pairs of images that differ in one representation differ in the other?"""

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.scores.factor import ThinSVD, principal
from lin_ft.scores.inputs import Matrix, labelled, matrix
from lin_ft.typing import Array


def parc(
    features: Float[Array, "n d"], labels: Array, *, svd: ThinSVD | None = None, dimensions: int | None = 32
) -> float:
    """100 x Spearman correlation over i < j of 1 - corr(x_i, x_j) and 1 - corr(onehot_i, onehot_j).

    Bolya, Mittapalli and Hoffman, NeurIPS 2021. x: 32 principal components, each standardised. Range
    [-100, 100], higher is better; unchanged by rotation and scale. Cost: O(n² (k + log n)).
    Correlations over components change with the components' signs, which PCA leaves open: each is turned so that its
    largest entry is positive, as scikit-learn did when the authors used it. Their PCA is randomised,
    this one exact; "+l" (depth/50 after a z-score over all transfers, 11 of 70 points) is not part of this score.

    Raises:
        InputError: bad features or labels.
    """
    phi, y = labelled(features, labels)
    x = standardised(phi if dimensions is None else _turned(principal(phi, dimensions, svd)))
    i, j = np.triu_indices(len(y), 1)
    # One-hot rows correlate 1 in a class and -1/(C-1) across: ranks see only whether the class differs.
    return 100 * _spearman(correlation_distances(x)[i, j], (y[i] != y[j]).astype(np.float64))


def rsa(features: Float[Array, "n d"], target_features: Float[Array, "m e"]) -> float:
    """Spearman correlation of the upper triangles of 1 - Pearson of the rows, for model and target network.

    Dwivedi and Roig, CVPR 2019 (arXiv 1904.11740). `target_features`: of a small network trained on the target. Range
    [-1, 1], higher is better; unchanged by scale. Cost: O(n² (d + log n)).
    parc standardises the columns of both first and reports 100 times the value; secret-hammer's RSA and PARC compute
    CKA instead.

    Raises:
        InputError: features that are not finite or of different samples.
    """
    x, z = _paired(features, target_features)
    i, j = np.triu_indices(len(x), 1)
    return _spearman(correlation_distances(x)[i, j], correlation_distances(z)[i, j])


def dds(features: Float[Array, "n d"], target_features: Float[Array, "m e"]) -> float:
    """Unbiased CKA of the cosine dissimilarities of z-scored features, of model and target network.

    Dwivedi et al., ECCV 2020; the unbiased estimate is that of Song et al., JMLR 2012. Range about [-1, 1],
    higher is better. Cost: O(n² d). A constant drops out, so 1 - cosine and cosine give the same value.

    Raises:
        InputError: as `rsa`, and fewer than 4 samples.
    """
    x, z = _paired(features, target_features)
    if len(x) < 4:
        raise InputError(f"{len(x)} samples: the unbiased CKA needs at least 4.")
    k, t = (_unit_rows(standardised(values)) for values in (x, z))
    k, t = k @ k.T, t @ t.T
    norm = _hsic(k, k) * _hsic(t, t)
    return float(_hsic(k, t) / np.sqrt(norm)) if norm > 0 else 0.0


def correlation_distances(x: Matrix) -> Float[np.ndarray, "n n"]:
    """1 - Pearson correlation of every two rows; of a constant row, 1."""
    rows = _unit_rows(x - x.mean(1, keepdims=True))
    return 1 - rows @ rows.T


def standardised(x: Matrix) -> Matrix:
    """Columns of mean 0 and variance 1; columns that vary by rounding only become 0."""
    centred = x - x.mean(0)
    deviation = centred.std(0)
    noise = 1e-10 * max(float(np.abs(x).max()), np.finfo(np.float64).tiny)
    return np.where(deviation > noise, centred / np.where(deviation > noise, deviation, 1), 0.0)


def _turned(x: Matrix) -> Matrix:
    """Each column times the sign of its largest entry."""
    return x * np.where(x[np.abs(x).argmax(0), np.arange(x.shape[1])] < 0, -1.0, 1.0)


def _unit_rows(x: Matrix) -> Matrix:
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    return np.where(norms > 0, x / np.where(norms > 0, norms, 1), 0.0)


def _spearman(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson correlation of average ranks; 0 where all are tied."""
    from scipy.stats import rankdata

    a, b = (ranks - ranks.mean() for ranks in (rankdata(one), rankdata(other)))
    norm = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / norm) if norm > 0 else 0.0


def _hsic(kernel: np.ndarray, other: np.ndarray) -> float:
    """[tr(KL) + 1ᵀK1 1ᵀL1 / ((n-1)(n-2)) - 2 1ᵀKL1 / (n-2)] / (n (n-3)), diagonals removed."""
    n = len(kernel)
    k, t = kernel - np.diag(np.diag(kernel)), other - np.diag(np.diag(other))
    value = np.sum(k * t) + k.sum() * t.sum() / ((n - 1) * (n - 2)) - 2 * k.sum(0) @ t.sum(0) / (n - 2)
    return float(value / (n * (n - 3)))


def _paired(features: Array, target_features: Array) -> tuple[Matrix, Matrix]:
    x, z = matrix(features), matrix(target_features, "target features")
    if len(x) != len(z):
        raise InputError(f"target features: {len(z)} rows, but there are {len(x)} samples.")
    return x, z
