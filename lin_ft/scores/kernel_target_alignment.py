# pyright: reportUnknownArgumentType=false
"""Kernel-target alignment of the tangent kernel."""

import numpy as np
from jaxtyping import Float

from lin_ft.scores.inputs import classes_of, one_hot
from lin_ft.scores.score import Score
from lin_ft.scores.tangent_kernel import square
from lin_ft.typing import Array


def kernel_target_alignment(kernel: Float[Array, "n n"], labels: Array) -> float:
    """<K, K_Y> / (||K||_F ||K_Y||_F), (K_Y)_ij = 1 for the same class, -1/(C - 1) otherwise; nothing is centred.

    Cristianini et al., NeurIPS 2001, with the label kernel of many classes (+-1 for two). Range [-1, 1],
    higher is better. Cost: O(n²).

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import kernel_target_alignment
        >>> x, labels = np.array([[0.0, 1.0], [0.0, 2.0], [4.0, 1.0], [4.0, 2.0]]), np.array([0, 0, 1, 1])
        >>> kernel, targets = x @ x.T + 1, np.eye(2)[labels] - 0.5
        >>> round(kernel_target_alignment(kernel, labels), 3)
        0.397

    Raises:
        InputError: a kernel that is not finite or does not go with the labels.
    """
    theta = square(kernel)
    y = classes_of(labels, len(theta))
    same = one_hot(y) @ one_hot(y).T
    label_kernel = same - (1 - same) / (y.max())
    norm = float(np.linalg.norm(theta) * np.linalg.norm(label_kernel))
    return float(np.vdot(theta, label_kernel)) / norm if norm > 0 else 0.0


SCORES = {
    "kernel_target_alignment": Score(
        kernel_target_alignment,
        "<K, K_Y> / (|K| |K_Y|), K_Y = 1 or -1/(C - 1)",
        "Cristianini et al., NeurIPS 2001",
        "[-1, 1]",
        "O(n^2)",
    ),
}
