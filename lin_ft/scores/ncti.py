# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
"""NCTI: how near the features are to neural collapse."""

import numpy as np
from jaxtyping import Float

from lin_ft.scores.discriminant import softmax
from lin_ft.scores.etran import minmax
from lin_ft.scores.factor import ThinSVD
from lin_ft.scores.inputs import Matrix, class_means, labelled, matrix
from lin_ft.scores.principal_components import principal_components
from lin_ft.scores.score import Score
from lin_ft.typing import Array


def ncti_parts(
    features: Float[Array, "n d"], labels: Array, *, svd: ThinSVD | None = None, dimensions: int = 64
) -> tuple[float, float, float]:
    """(nuclear norm of the discriminant features, mean p(y_i|x_i), log sum_c nuclear norm of class c's posteriors).

    Of 64 principal components, with a discriminant by the rule of the authors. Their shrinkage is max(exp(-sum of the
    first 32 variances), 1e-10). Above 1e-10, for small features, the within-class covariance is shrunk by it and the
    discriminant features are the first min(C - 1, 64) generalised eigenvectors. At 1e-10, as for most features,
    scikit-learn's `svd` solver takes over: nothing is shrunk, and directions without variance inside the classes are
    left out, which matters where n < 64 + C. Its covariance divides by n, as here throughout, from release 1.8 or so
    on, and by n - C before, which multiplies the nuclear norm of every model by √((n - C) / n). For `ncti`. Cost: the
    principal components, O(n k²).

    Where the authors' code cannot run: with fewer than 64 samples or features, all principal components that there are
    take part; with one sample a class, or classes that are single points, no direction is left, the nuclear norm is 0
    and the posteriors are the class frequencies.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import ncti_parts
        >>> rng, labels = np.random.default_rng(0), np.arange(40) % 2
        >>> norm, posterior, of_classes = ncti_parts(rng.normal(size=(40, 4)) + 3 * labels[:, None], labels)
        >>> norm > 0, 0.9 < posterior <= 1
        (True, True)

    Raises:
        InputError: bad features or labels.
    """
    phi, y = labelled(features, labels)
    x = principal_components(phi, dimensions, svd)
    x = x[:, np.any(x != 0, axis=0)]
    means, counts = class_means(x, y)
    priors = counts / len(y)
    variances = np.sum(x**2, axis=0) / max(len(y) - 1, 1)
    shrinkage = max(float(np.exp(-variances[:32].sum())), 1e-10)
    residuals = x - means[y]
    if shrinkage > 1e-10:
        directions = _shrunk_directions(x, residuals, shrinkage)
    else:
        directions = _whitened_directions(means, residuals, priors)
    low, means = x @ directions, means @ directions
    p = softmax(low @ means.T + np.log(priors) - 0.5 * np.sum(means**2, axis=1))
    by_class = sum(_nuclear_norm(p[y == c]) for c in range(len(means)))
    return _nuclear_norm(low[:, : len(means) - 1]), float(np.mean(p[np.arange(len(y)), y])), float(np.log(by_class))


def _shrunk_directions(x: Matrix, residuals: Matrix, shrinkage: float) -> Float[np.ndarray, "k r"]:
    """All generalised eigenvectors of (S_T - S_W, S_W), both shrunk, the largest eigenvalue first."""
    import scipy.linalg

    (n, k), identity = x.shape, np.eye(x.shape[1])
    within, total = residuals.T @ residuals / n, x.T @ x / n
    floor = np.finfo(np.float64).eps * float(np.mean(x**2)) if k else 0.0
    within = (1 - shrinkage) * within + max(shrinkage * np.trace(within) / max(k, 1), floor) * identity
    total = (1 - shrinkage) * total + shrinkage * np.trace(total) / max(k, 1) * identity
    return scipy.linalg.eigh(total - within, within)[1][:, ::-1] if k else identity


def _whitened_directions(means: Matrix, residuals: Matrix, priors: Float[np.ndarray, " C"]) -> Float[np.ndarray, "k r"]:
    """Directions of variance 1 inside the classes, turned to the axes between the class means, the longest first.

    As scikit-learn's `svd` solver: those are left out that vary by less than 1e-4 of their standard deviation inside
    the classes, and axes shorter than 1e-4 of the longest.
    """
    deviation = residuals.std(0)
    constant = deviation <= 1e-8 * float(np.sqrt(np.mean(residuals**2) + np.mean(means**2)))  # rounding
    deviation = np.where(constant, 1.0, deviation)
    standard = np.where(constant, 0.0, residuals / deviation) / np.sqrt(len(residuals))
    _, lengths, axes = np.linalg.svd(np.linalg.qr(standard, mode="r"))
    kept = lengths > 1e-4
    white = (axes[: len(lengths)][kept] / deviation).T / lengths[kept]
    if not kept.any():
        return white
    _, lengths, axes = np.linalg.svd(np.sqrt(priors)[:, None] * (means - priors @ means) @ white, full_matrices=False)
    return white @ axes[lengths > 1e-4 * lengths[0]].T


def _nuclear_norm(x: Matrix) -> float:
    """The sum of the singular values."""
    tall = x if x.shape[0] >= x.shape[1] else x.T
    return float(np.linalg.norm(np.linalg.qr(tall, mode="r"), "nuc")) if x.size else 0.0


def ncti(parts: Float[Array, "models 3"]) -> Float[np.ndarray, " models"]:
    """minmax(feature norm) + minmax(mean posterior) - minmax(log posterior norm) of every model of a zoo.

    Wang et al., ICCV 2023. Range [-1, 2], higher is better. Min-max over the zoo: a new model changes all
    values.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import ncti
        >>> ncti(np.array([[3.0, 0.9, 1.0], [2.0, 0.5, 2.0], [2.5, 0.7, 1.5]])).round(3)
        array([ 2. , -1. ,  0.5])
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
        revision=2,
    ),
}
