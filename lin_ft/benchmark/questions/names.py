"""Scores that questions ask for by name."""

import numpy as np

from lin_ft.benchmark.results import Scores

DEFAULT = "predicted_decrease"
"""What `lin-ft rank` ranks by."""
PREDICTION = "predicted_accuracy"
COSINE_FORM = "kernel_target_alignment"
"""The name of Label-Gradient's cosine form: the alignment of the tangent kernel with the labels."""


def is_label_gradient(name: str) -> bool:
    """One of its forms, the paper's own included."""
    return "label_gradient" in name or name == COSINE_FORM


def named(scores: Scores, part: str) -> list[str]:
    """Scores with a value and with this in their name."""
    return [name for name in scores if part in name and np.isfinite(scores[name]).any()]
