"""Fréchet distance of the features of source and target."""

import numpy as np
from jaxtyping import Float

from lin_ft.scores.inputs import matrix
from lin_ft.scores.score import Score
from lin_ft.scores.source_data import same_width
from lin_ft.typing import Array


def frechet_distance(features: Float[Array, "n d"], source_features: Float[Array, "m e"]) -> float:
    """-(||mu - mu_s||² + tr S + tr S_s - 2 tr (S S_s)^½), Gaussians fitted to the two sets of features; no labels.

    Dowson and Landau 1982; Heusel et al., NeurIPS 2017. tr (S S_s)^½ is the nuclear norm of X X_sᵀ / √(n m).
    Range (-inf, 0], higher is better; unchanged by a rotation of both. Cost: singular values of a matrix of
    side min(n, d).

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import frechet_distance
        >>> x = np.array([[0.0, 1.0], [0.0, 2.0], [4.0, 1.0], [4.0, 2.0]])
        >>> round(frechet_distance(x, x + [3.0, 4.0]), 3)  # the same shape, 5 away
        -25.0

    Raises:
        InputError: features that are not finite or of different width.
    """
    x, source = matrix(features), same_width(matrix(features), source_features)
    shift = float(np.sum((x.mean(0) - source.mean(0)) ** 2))
    x, source = ((each - each.mean(0)) / np.sqrt(len(each)) for each in (x, source))
    traces = float(np.sum(x**2) + np.sum(source**2))
    x, source = (
        np.asarray(np.linalg.qr(each, mode="r")) if len(each) > each.shape[1] else each for each in (x, source)
    )
    overlap = float(np.sum(np.linalg.svd(x @ source.T, compute_uv=False)))
    return -max(shift + traces - 2 * overlap, 0.0)


SCORES = {
    "frechet_distance": Score(
        frechet_distance,
        "-(|mu - mu_s|^2 + tr S + tr S_s - 2 tr (S S_s)^1/2)",
        "Dowson and Landau 1982",
        "(-inf, 0]",
        "singular values of side min(n, d)",
    ),
}
