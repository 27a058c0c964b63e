"""Feature variance: how much of the features' energy varies at all."""

import numpy as np
from jaxtyping import Float

from lin_ft.scores.inputs import matrix
from lin_ft.scores.score import Score
from lin_ft.typing import Array


def feature_variance(features: Float[Array, "n d"]) -> float:
    """tr cov(f) / E||f||²: the share of the features' energy that varies between samples; no labels.

    Range [0, 1], higher is better (collapsed features say nothing); unchanged by rotation and scale. Cost: O(n d).

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import feature_variance
        >>> feature_variance(np.array([[1.0, 1.0], [1.0, -1.0]]))
        0.5

    Raises:
        InputError: features that are not finite.
    """
    phi = matrix(features)
    energy = float(np.sum(phi**2))
    return float(np.sum((phi - phi.mean(0)) ** 2)) / energy if energy > 0 else 0.0


SCORES = {
    "feature_variance": Score(
        feature_variance, "tr cov(f) / E|f|^2, no labels", "a plain baseline", "[0, 1]", "O(n d)"
    ),
}
