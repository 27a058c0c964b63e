"""NCTI: how near the features are to neural collapse."""

import numpy as np
from jaxtyping import Float

from lin_ft.scores.discriminant import softmax
from lin_ft.scores.etran import minmax
from lin_ft.scores.factor import ThinSVD, principal
from lin_ft.scores.inputs import class_means, labelled, matrix
from lin_ft.scores.score import Score
from lin_ft.typing import Array


def ncti_parts(
    features: Float[Array, "n d"], labels: Array, *, svd: ThinSVD | None = None, dimensions: int = 64
) -> tuple[float, float, float]:
    """(nuclear norm of the discriminant features, mean p(y_i|x_i), log sum_c nuclear norm of class c's posteriors).

    Of 64 principal components, with the shrinkage max(exp(-sum of the first 32 variances), 1e-10) in the within-class
    covariance; the discriminant features are the first min(C - 1, 64) generalised eigenvectors. For `ncti`.
    Cost: the principal components, O(n k²). At a shrinkage of 1e-10, which is the rule for features that are not
    small, the authors switch to scikit-learn's `svd` solver: its covariance divides by n, as here throughout, from
    release 1.8 or so on, and by n - C before, which multiplies the nuclear norm of every model by √((n - C) / n).

    Raises:
        InputError: bad features or labels.
    """
    import scipy.linalg

    phi, y = labelled(features, labels)
    x = principal(phi, dimensions, svd)
    x = x[:, np.any(x != 0, axis=0)]
    n, k = x.shape
    means, counts = class_means(x, y) if k else (np.zeros((y.max() + 1, 0)), np.bincount(y))
    priors = counts / n
    variances = np.sum(x**2, axis=0) / max(n - 1, 1)
    shrinkage = max(float(np.exp(-variances[:32].sum())), 1e-10)
    residuals = x - means[y]
    within = residuals.T @ residuals / n
    trace = np.trace(within) / max(k, 1)
    floor = np.finfo(np.float64).eps * float(np.mean(x**2)) if k else 0.0
    within = (1 - shrinkage) * within + max(shrinkage * trace, floor) * np.eye(k)
    total = x.T @ x / n
    total = (1 - shrinkage) * total + shrinkage * np.trace(total) / max(k, 1) * np.eye(k)
    directions = scipy.linalg.eigh(total - within, within)[1][:, ::-1] if k else np.zeros((0, 0))
    low = x @ directions[:, : min(len(means) - 1, k)]
    weights = means @ directions @ directions.T  # means S_W⁻¹
    p = softmax(x @ weights.T + np.log(priors) - 0.5 * np.sum(means * weights, axis=1))
    by_class = sum(np.linalg.norm(p[y == c], "nuc") for c in range(len(means)))
    spread = float(np.linalg.norm(low - low.mean(0), "nuc")) if low.size else 0.0
    return spread, float(np.mean(p[np.arange(n), y])), float(np.log(by_class))


def ncti(parts: Float[Array, "models 3"]) -> Float[np.ndarray, " models"]:
    """minmax(feature norm) + minmax(mean posterior) - minmax(log posterior norm) of every model of a zoo.

    Wang et al., ICCV 2023. Range [-1, 2], higher is better. Min-max over the zoo: a new model changes all
    values.
    """
    return minmax(matrix(parts, "parts")) @ np.array([1.0, 1.0, -1.0])


SCORES = {
    "ncti": Score(
        ncti_parts,
        "minmax(|Z|_*) + minmax(mean p(y|x)) - minmax(log sum_c |P_c|_*) over the zoo",
        "Wang et al., ICCV 2023",
        "[-1, 2]",
        "64 principal components, then O(64^2 n)",
        combine=ncti,
    ),
}
