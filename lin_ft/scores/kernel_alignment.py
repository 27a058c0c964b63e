"""Label-Gradient and Label-Feature as scores: the alignment of a kernel with the labels in one form."""

import numpy as np
from jaxtyping import Float

from lin_ft.scores.alignment import alignment
from lin_ft.scores.inputs import matrix
from lin_ft.scores.label_feature import label_feature
from lin_ft.scores.tangent_kernel import square
from lin_ft.typing import Array


def feature_alignment(features: Float[Array, "n d"], targets: Float[Array, "n C"], *, form: str) -> float:
    """`lin_ft.scores.label_feature` in one form: the kernel of the features against the labels.

    Range [0, inf) for `raw`, [0, 1] for `trace`, [-1, 1] for the others; higher is better. Cost: O(n d min(n, d)).
    """

    return label_feature(matrix(features), np.asarray(targets, np.float64), form=form)


def kernel_alignment(kernel: Float[Array, "n n"], targets: Float[Array, "n C"], *, form: str) -> float:
    """`lin_ft.scores.alignment` in one form: the tangent kernel against the labels, Label-Gradient.

    Range [0, inf) for `raw`, [0, 1] for `trace`, [-1, 1] for the others; higher is better. Cost: O(n² C).
    """
    return alignment(square(kernel), np.asarray(targets, np.float64), form=form)
