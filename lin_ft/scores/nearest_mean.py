# pyright: reportUnknownArgumentType=false
"""Leave-one-out accuracy of the nearest class mean."""

import numpy as np
from jaxtyping import Float

from lin_ft.scores.inputs import class_means, labelled
from lin_ft.scores.score import Score
from lin_ft.typing import Array


def nearest_mean(features: Float[Array, "n d"], labels: Array) -> float:
    """Leave-one-out accuracy of the nearest class mean, Euclidean. Range [0, 1], higher is better. Cost: O(n d C).

    The own class's mean is taken without the sample: its distance grows by n_c / (n_c - 1); a class of one sample is
    never right. A tie of m means counts 1/m.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import nearest_mean
        >>> x = np.array([[0.0, 1.0], [0.0, 2.0], [4.0, 1.0], [4.0, 2.0]])
        >>> apart, mixed = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
        >>> round(nearest_mean(x, apart), 3), round(nearest_mean(x, mixed), 3)
        (1.0, 0.0)

    Raises:
        InputError: bad features or labels.
    """
    phi, y = labelled(features, labels)
    x = phi - phi.mean(0)
    means, counts = class_means(x, y)
    distance = np.sum(x**2, axis=1)[:, None] - 2 * x @ means.T + np.sum(means**2, axis=1)
    rows = np.arange(len(y))
    growth = np.where(counts > 1, counts / np.maximum(counts - 1, 1), np.inf) ** 2
    distance[rows, y] = np.maximum(distance[rows, y], np.finfo(np.float64).tiny) * growth[y]
    tied = distance <= distance.min(1, keepdims=True) + 1e-12 * float(np.mean(x**2)) * x.shape[1]
    return float(np.mean(tied[rows, y] / tied.sum(1)))


SCORES = {
    "nearest_mean": Score(
        nearest_mean, "leave-one-out accuracy of the nearest class mean", "Fisher 1936", "[0, 1]", "O(n d C)"
    ),
}
