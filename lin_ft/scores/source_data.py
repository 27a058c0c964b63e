"""Scores from the source data under the same model: how near is the source to the target?"""

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.scores.discriminant import softmax
from lin_ft.scores.inputs import Matrix, class_means, classes_of, labelled, matrix
from lin_ft.scores.linear_probe import fit_logistic, standard_size
from lin_ft.typing import Array


def domain_similarity(
    features: Float[Array, "n d"],
    labels: Array,
    source_features: Float[Array, "m e"],
    source_labels: Array,
    *,
    gamma: float = 0.01,
) -> float:
    """exp(-gamma EMD), the earth mover's distance of the class means, weights the shares of the images, ground distance
    Euclidean.

    Cui et al., CVPR 2018 (domain similarity). Range (0, 1], higher is better; unchanged by rotation. Cost: a linear
    programme in C Z variables. The original uses one fixed network for all models and keeps source classes of >= 200
    images.

    Raises:
        InputError: bad features or labels, of either data set.
    """
    (means, weights), (source_means, source_weights) = (
        class_means(*labelled(features, labels)),
        class_means(*_source(features, source_features, source_labels)),
    )
    distances = np.linalg.norm(means[:, None] - source_means[None], axis=2)
    moved = earth_mover(weights / weights.sum(), source_weights / source_weights.sum(), distances)
    return float(np.exp(-gamma * moved))


def earth_mover(
    supply: Float[np.ndarray, " C"], demand: Float[np.ndarray, " Z"], distances: Float[np.ndarray, "C Z"]
) -> float:
    """min sum f_cz d_cz, f >= 0, rows of f adding to `supply`, columns to `demand`."""
    import scipy.sparse as sparse
    from scipy.optimize import linprog

    c, z = distances.shape
    rows = sparse.kron(sparse.eye(c), np.ones((1, z)))
    columns = sparse.kron(np.ones((1, c)), sparse.eye(z))
    both = sparse.vstack([rows, columns]).tocsr()[:-1]  # one of the constraints follows from the others
    solution = linprog(distances.ravel(), A_eq=both, b_eq=np.concatenate([supply, demand])[:-1], method="highs")
    return float(max(solution.fun, 0.0))


def frechet_distance(features: Float[Array, "n d"], source_features: Float[Array, "m e"]) -> float:
    """-(||mu - mu_s||² + tr S + tr S_s - 2 tr (S S_s)^½), Gaussians fitted to the two sets of features; no labels.

    Dowson and Landau 1982; Heusel et al., NeurIPS 2017. tr (S S_s)^½ is the nuclear norm of X X_sᵀ / √(n m).
    Range (-inf, 0], higher is better; unchanged by a rotation of both. Cost: singular values of a matrix of
    side min(n, d).

    Raises:
        InputError: features that are not finite or of different width.
    """
    x, source = matrix(features), _width(matrix(features), source_features)
    shift = float(np.sum((x.mean(0) - source.mean(0)) ** 2))
    x, source = ((each - each.mean(0)) / np.sqrt(len(each)) for each in (x, source))
    traces = float(np.sum(x**2) + np.sum(source**2))
    x, source = (
        np.asarray(np.linalg.qr(each, mode="r")) if len(each) > each.shape[1] else each for each in (x, source)
    )
    overlap = float(np.sum(np.linalg.svd(x @ source.T, compute_uv=False)))
    return -max(shift + traces - 2 * overlap, 0.0)


def fisher_distance(
    features: Float[Array, "n d"],
    labels: Array,
    source_features: Float[Array, "m e"],
    source_labels: Array,
    *,
    ridge: float = 1e-3,
    iterations: int = 30,
) -> float:
    """-(1 - cos(F / (F + F_s), F_s / (F + F_s))), F the diagonal Fisher information of a head, summed over classes.

    After Task2Vec (Achille et al., ICCV 2019), with the head only: F_k = (1/n) sum_i phi_ik² sum_c p_ic (1 - p_ic), p
    of a logistic regression trained on each data set, as in `logistic_probe`. Range [-1, 0], higher is better;
    unchanged by the order of features, not by rotation. Cost: 2 x `iterations` L-BFGS steps of O(n d C). It trains.

    Raises:
        InputError: bad features or labels, of either data set.
    """
    pairs = labelled(features, labels), _source(features, source_features, source_labels)
    f, s = (_fisher(*pair, ridge, iterations) for pair in pairs)
    total = np.maximum(f + s, np.finfo(np.float64).tiny)
    a, b = f / total, s / total
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b / norm) - 1 if norm > 0 else -1.0


def _fisher(phi: Matrix, y: np.ndarray, ridge: float, iterations: int) -> Float[np.ndarray, " d"]:
    x = standard_size(phi)
    weights, bias, _ = fit_logistic(x, y, ridge, iterations)
    p = softmax(x @ weights + bias)
    return np.mean(phi**2 * np.sum(p * (1 - p), axis=1, keepdims=True), axis=0)


def _source(features: Array, source_features: Array, source_labels: Array) -> tuple[Matrix, np.ndarray]:
    source = _width(matrix(features), source_features)
    return source, classes_of(source_labels, len(source))


def _width(phi: Matrix, source_features: Array) -> Matrix:
    source = matrix(source_features, "source features")
    if source.shape[1] != phi.shape[1]:
        raise InputError(f"source features: {source.shape[1]} columns, but the target's have {phi.shape[1]}.")
    return source
