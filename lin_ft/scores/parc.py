"""PARC: do pairs of images that differ in their features differ in their labels?"""

import numpy as np
from jaxtyping import Float

from lin_ft.scores.dissimilarity import correlation_distances, spearman_of_part, standardised
from lin_ft.scores.factor import ThinSVD
from lin_ft.scores.inputs import Matrix, labelled, one_hot
from lin_ft.scores.principal_components import principal_components
from lin_ft.scores.score import Score
from lin_ft.typing import Array


def parc(
    features: Float[Array, "n d"], labels: Array, *, svd: ThinSVD | None = None, dimensions: int | None = 32
) -> float:
    """100 x Spearman correlation over i < j of 1 - corr(x_i, x_j) and 1 - corr(onehot_i, onehot_j).

    Bolya, Mittapalli and Hoffman, NeurIPS 2021. x: 32 principal components, each standardised. Range
    [-100, 100], higher is better; unchanged by rotation and scale. Cost: O(n² (k + log n)).
    Correlations over components change with the components' signs, which PCA leaves open: each is turned so that its
    largest entry is positive, as scikit-learn did when the authors used it. Their PCA is randomised, this one exact;
    rounding in their correlations of one-hot rows breaks ties, which moves values by 1e-4 of themselves; "+l" (depth/50
    after a z-score over all transfers, 11 of 70 points) is not part of this score.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import parc
        >>> rng, labels = np.random.default_rng(0), np.arange(40) % 2
        >>> noise = rng.normal(size=(40, 4))
        >>> parc(noise + 3 * labels[:, None], labels) > parc(noise, labels)
        True

    Raises:
        InputError: bad features or labels.
    """
    phi, y = labelled(features, labels)
    x = standardised(phi if dimensions is None else _turned(principal_components(phi, dimensions, svd)))
    distances = correlation_distances(x)
    # One-hot rows correlate 1 in a class and -1/(C-1) across: ranks see only whether the class differs.
    same = [_upper(distances[np.ix_(rows, rows)]) for rows in map(np.flatnonzero, one_hot(y).T)]
    return -100 * spearman_of_part(_upper(distances), np.concatenate(same))


def _upper(square: Matrix) -> Float[np.ndarray, " pairs"]:
    """The entries above the diagonal, row by row."""
    return np.concatenate([row[i:] for i, row in enumerate(square, 1)])


def _turned(x: Matrix) -> Matrix:
    """Each column times the sign of its largest entry."""
    return x * np.where(x[np.abs(x).argmax(0), np.arange(x.shape[1])] < 0, -1.0, 1.0)


SCORES = {
    "parc": Score(
        parc,
        "100 spearman(1 - corr(x_i, x_j), 1 - corr(onehot_i, onehot_j))",
        "Bolya et al., NeurIPS 2021",
        "[-100, 100]",
        "32 principal components, then O(n^2 log n)",
    ),
}
