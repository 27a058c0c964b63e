"""Label-Gradient and Label-Feature as scores: agreement of a kernel with the labels, in one of `alignment.FORMS`."""

from functools import partial

import numpy as np
from jaxtyping import Float

from lin_ft.scores.alignment import alignment
from lin_ft.scores.inputs import matrix
from lin_ft.scores.label_feature import label_feature
from lin_ft.scores.score import Score
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


_FORMULAS = {
    "raw": ("<K, Y Y'>", "[0, inf)"),
    "trace": ("<K, Y Y'> / (tr K tr Y Y')", "[0, 1]"),
    "cosine": ("<K, Y Y'> / (|K| |Y Y'|)", "[-1, 1]"),
    "cka": ("cosine of H K H and H Y Y' H", "[-1, 1]"),
    "pearson": ("Pearson correlation of all n^2 entries of K and Y Y'", "[-1, 1]"),
}
_PAPER = "Deshpande et al. 2021, eqs. 7 and 8"


def _gradient(form: str) -> Score:
    formula, interval = _FORMULAS[form]
    function = partial(kernel_alignment, form=form)
    return Score(function, f"{formula}, K the tangent kernel", _PAPER, interval, "O(n^2 C)")


def _feature(form: str) -> Score:
    formula, interval = _FORMULAS[form]
    function = partial(feature_alignment, form=form)
    return Score(function, f"{formula}, K = f f'", _PAPER, interval, "O(n d min(n, d))")


SCORES = {
    # The cosine of the tangent kernel is kernel_target_alignment, the Pearson correlation of the features' kernel
    # paper_label_feature: each quantity stands here once.
    **{f"label_gradient_{form}": _gradient(form) for form in ("raw", "trace", "cka", "pearson")},
    **{f"label_feature_{form}": _feature(form) for form in ("raw", "trace", "cosine", "cka")},
}
