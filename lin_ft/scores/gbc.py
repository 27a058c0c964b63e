"""GBC: how much Gaussian classes overlap."""

import warnings

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.scores.factor import ThinSVD
from lin_ft.scores.inputs import Matrix, class_means, labelled, one_hot
from lin_ft.scores.principal_components import principal_components
from lin_ft.scores.score import Score, ScoreWarning
from lin_ft.typing import Array

SHAPES = ("diagonal", "spherical")


def gbc(
    features: Float[Array, "n d"],
    labels: Array,
    *,
    svd: ThinSVD | None = None,
    shape: str = "spherical",
    dimensions: int | None = 64,
    floor: float = 1e-4,
    published: bool = False,
) -> float:
    """-sum_{c != c'} exp(-D_B(c, c')), D_B = ⅛ sum_k (mu - mu')²_k / v_k + ½ sum_k [log v_k - ½ log s_k - ½ log s'_k].

    v is the mean of the two variances s, s'. Pandy et al., CVPR 2022 (arXiv 2111.12780). Range [-C (C - 1), 0], higher
    is better; unchanged by rotation. Variances are of each dimension, at least `floor` (`diagonal`), or the mean of
    these (`spherical`); features are first reduced to 64 principal components (None: not, as in stable_transfer). Cost:
    O(C² k) after the reduction. `published`: the spherical log term once instead of once a dimension, as the authors'
    code has it (1/d of the true one). Classes further apart than D_B = 745 overlap by 0 in float64; where all do, the
    value is 0 and a ScoreWarning says that models with it cannot be told apart.

    Args:
        features: phi of the images.
        labels: classes of the images.
        svd: of the centred features, if at hand.
        shape: of the Gaussians: `spherical` or `diagonal`.
        dimensions: principal components; None: all of the features, unreduced.
        floor: least variance of a dimension.
        published: the log term as in the authors' code.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import gbc
        >>> rng, labels = np.random.default_rng(0), np.arange(40) % 2
        >>> noise = rng.normal(size=(40, 4))
        >>> gbc(noise + 3 * labels[:, None], labels) > gbc(noise, labels)
        True

    Raises:
        InputError: an unknown shape, bad features or labels.
    """
    if shape not in SHAPES:
        raise InputError(f"shape {shape!r}: unknown; one of {', '.join(SHAPES)}.")
    phi, y = labelled(features, labels)
    x = phi if dimensions is None else principal_components(phi, dimensions, svd)
    means, counts = class_means(x, y)
    variances = np.maximum(one_hot(y).T @ (x - means[y]) ** 2 / counts[:, None], floor)
    if shape == "spherical":
        distances = _spherical(means, variances.mean(1), 1 if published else x.shape[1])
    else:
        distances = _diagonal(means, variances)
    np.fill_diagonal(distances, np.inf)  # before the exponential: beside its 1 an overlap below 1e-16 would be lost
    total = float(np.sum(np.exp(-distances)))
    if total == 0:
        warnings.warn("GBC: all classes lie so far apart that their overlaps are 0", ScoreWarning, stacklevel=2)
    return -total


def _spherical(means: Matrix, variances: Float[np.ndarray, " C"], k: int) -> Float[np.ndarray, "C C"]:
    """D_B of every two classes, one variance each in k dimensions."""
    from scipy.spatial.distance import cdist

    average = (variances[:, None] + variances) / 2
    logs = np.log(variances)
    return cdist(means, means, "sqeuclidean") / average / 8 + k * (np.log(average) - (logs[:, None] + logs) / 2) / 2


def _diagonal(means: Matrix, variances: Float[np.ndarray, "C k"]) -> Float[np.ndarray, "C C"]:
    """D_B of every two classes, a variance in each dimension."""
    logs = np.log(variances)
    distances = np.empty((len(means), len(means)))
    for c in range(len(means)):  # one class against all: O(C k) memory
        average = (variances[c] + variances) / 2
        distances[c] = np.sum((means[c] - means) ** 2 / average, axis=1) / 8
        distances[c] += np.sum(np.log(average) - (logs[c] + logs) / 2, axis=1) / 2
    return distances


SCORES = {
    "gbc": Score(
        gbc,
        "-sum_(c != c') exp(-D_B(c, c'))",
        "Pandy et al., CVPR 2022",
        "[-C (C - 1), 0]",
        "64 principal components, then O(64 C^2)",
        revision=2,
    ),
}
