# pyright: reportUnknownArgumentType=false
"""Feature metrics of Ueno and Kondo: sparse features are taken for good ones; no labels."""

import numpy as np
from jaxtyping import Float

from lin_ft.scores.etran import minmax
from lin_ft.scores.inputs import matrix
from lin_ft.scores.score import Score
from lin_ft.typing import Array


def sparsity_parts(features: Float[Array, "n d"]) -> tuple[float, float]:
    """(S5, S6) of one model: mean share of non-zero features; mean of (# within 1 of the maximum) / (# zeros).

    Where a row has no zeros, S6 counts one. For `feature_metrics` over the zoo. Cost: O(n d).

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import sparsity_parts
        >>> sparsity_parts(np.array([[0.0, 0.0, 3.0, 2.5], [1.0, 0.0, 0.0, 2.0]]))
        (0.5, 1.0)
    """
    phi = matrix(features)
    zeros = np.sum(phi == 0, axis=1)
    near = np.sum(phi >= phi.max(1, keepdims=True) - 1, axis=1)
    return float(np.mean(phi != 0)), float(np.mean(near / np.maximum(zeros, 1)))


def feature_metrics(parts: Float[Array, "models 2"]) -> Float[np.ndarray, " models"]:
    """C56 = .426 S5 + .574 S6, each put on [-1, 1] over the zoo with its sign flipped.

    Ueno and Kondo, ICLR 2020 submission, "A base model selection methodology for efficient fine-tuning".
    Range [-1, 1], higher is better (sparser). The original uses the last convolution's maps and 10 images a class; the
    normalisation makes every value depend on the zoo, and features without exact zeros carry no information.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import feature_metrics
        >>> feature_metrics(np.array([[0.4, 0.5], [0.9, 2.0], [0.6, 1.0]])).round(3)
        array([ 1.   , -1.   ,  0.277])
    """
    parts = matrix(parts, "parts")
    constant = np.ptp(parts, axis=0) == 0
    flipped = np.where(constant, 0.0, 1 - 2 * minmax(parts))
    return flipped @ np.array([0.426, 0.574])


SCORES = {
    "feature_metrics": Score(
        sparsity_parts,
        ".426 S5 + .574 S6, sparsities on [-1, 1] over the zoo, signs flipped",
        "Ueno and Kondo, ICLR 2020 submission",
        "[-1, 1]",
        "O(n d)",
        combine=feature_metrics,
    ),
}
