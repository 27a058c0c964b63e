"""Scores that questions ask for by name."""

import numpy as np

from lin_ft.benchmark.results import Scores

DEFAULT = "predicted_decrease"
"""What `lin-ft rank` ranks by."""
PREDICTION = "predicted_accuracy"
LABEL_GRADIENT = "label_gradient"
"""Every score with this in its name is a form of it, the paper's own included."""


def named(scores: Scores, part: str) -> list[str]:
    """Scores with a value and with this in their name."""
    return [name for name in scores if part in name and np.isfinite(scores[name]).any()]
