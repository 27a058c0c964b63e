"""Silhouette: how much nearer the own class is than the nearest other."""

import numpy as np
from jaxtyping import Float

from lin_ft.scores.inputs import labelled, one_hot
from lin_ft.scores.score import Score
from lin_ft.typing import Array


def silhouette(features: Float[Array, "n d"], labels: Array) -> float:
    """Mean of (b - a) / max(a, b): a the mean distance to the own class, b that to the nearest other class.

    Rousseeuw 1987; 0 for the only sample of a class. Range [-1, 1], higher is better; unchanged by rotation and
    scale. Cost: O(n² d). scikit-learn: `silhouette_score`.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import silhouette
        >>> x = np.array([[0.0, 1.0], [0.0, 2.0], [4.0, 1.0], [4.0, 2.0]])
        >>> apart, mixed = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
        >>> round(silhouette(x, apart), 3), round(silhouette(x, mixed), 3)
        (0.754, -0.36)

    Raises:
        InputError: bad features or labels.
    """
    phi, y = labelled(features, labels)
    x = phi - phi.mean(0)
    squares = np.sum(x**2, axis=1)
    squared = np.maximum(squares[:, None] + squares - 2 * x @ x.T, 0)
    np.fill_diagonal(squared, 0)
    squared[squared <= 16 * np.finfo(np.float64).eps * (squares[:, None] + squares)] = 0  # equal up to rounding
    sums, counts = np.sqrt(squared) @ one_hot(y), np.bincount(y)
    rows = np.arange(len(y))
    own = sums[rows, y] / np.maximum(counts[y] - 1, 1)
    mean = sums / counts
    mean[rows, y] = np.inf
    other = mean.min(1)
    larger = np.maximum(own, other)
    value = np.where((larger > 0) & (counts[y] > 1), (other - own) / np.where(larger > 0, larger, 1), 0.0)
    return float(value.mean())


SCORES = {
    "silhouette": Score(
        silhouette,
        "mean (b - a) / max(a, b), distances to own and nearest other class",
        "Rousseeuw 1987",
        "[-1, 1]",
        "O(n^2 d)",
    ),
}
