"""Predicted accuracy: leave-one-out along gradient flow, at the training time and ridge of least loss."""

import numpy as np
from jaxtyping import Float, Int

from lin_ft.predict import Prediction, Spectrum, select
from lin_ft.scores.inputs import classes_of
from lin_ft.scores.score import Score
from lin_ft.scores.tangent_kernel import COST_OF_SPECTRUM, spectrum_of
from lin_ft.typing import Array

TIMES = (1.0, 10.0, 100.0, 1000.0, np.inf)
"""Training times eta t, in units of 1 / (mean eigenvalue of the kernel)."""
RIDGES = tuple(10.0**power for power in range(-4, 2))
"""In units of the mean eigenvalue of the kernel."""


def predicted_accuracy(
    kernel: Float[Array, "n n"],
    targets: Float[Array, "n C"],
    labels: Array,
    *,
    spectrum: Spectrum | None = None,
    folds: Int[Array, " n"] | Int[Array, "M n"] | None = None,
    prediction: Prediction | None = None,
) -> float:
    """Leave-one-out accuracy of the linearized model at the training time and ridge of least leave-one-out loss.

    y_i - r_i, r_i the residual at the left-out image i after training on the others; see `lin_ft.predict`. Of times
    TIMES and ridges RIDGES; with `folds`, whole folds are left out together. Range [0, 1], higher is better. Cost: one
    eigendecomposition and O(n² C) a time and ridge. `spectrum` and `prediction`: if at hand.

    Raises:
        InputError: a kernel, targets or labels that do not go together or are not finite.
    """
    return (prediction or _predicted(kernel, targets, labels, spectrum, folds)).accuracy


def predicted_loss(
    kernel: Float[Array, "n n"],
    targets: Float[Array, "n C"],
    labels: Array,
    *,
    spectrum: Spectrum | None = None,
    folds: Int[Array, " n"] | Int[Array, "M n"] | None = None,
    prediction: Prediction | None = None,
) -> float:
    """Minus the loss that goes with `predicted_accuracy`, -(1 / 2n) sum_i ||r_i||²: the least of all times and ridges.

    Range (-inf, 0], higher is better. Cost: that of `predicted_accuracy`.

    Raises:
        InputError: as `predicted_accuracy`.
    """
    return -(prediction or _predicted(kernel, targets, labels, spectrum, folds)).loss


def _predicted(
    kernel: Array, targets: Array, labels: Array, spectrum: Spectrum | None, folds: Array | None
) -> Prediction:
    spectrum = spectrum_of(kernel, spectrum)
    y, scale = classes_of(labels, len(spectrum.eigenvalues)), spectrum.scale
    times, ridges = [time / scale for time in TIMES], [ridge * scale for ridge in RIDGES]
    return select(spectrum, np.asarray(targets, np.float64), y, times, ridges, folds=folds)


SCORES = {
    "predicted_accuracy": Score(
        predicted_accuracy,
        "leave-one-out accuracy of gradient flow at the time and ridge of least loss",
        "Deshpande et al. 2021, sec. 3; leave-one-out: this project",
        "[0, 1]",
        COST_OF_SPECTRUM,
    ),
    "predicted_loss": Score(
        predicted_loss,
        "-(1/2n) sum_i |r_i|^2, r_i the left-out residual, the least over times and ridges",
        "Deshpande et al. 2021, sec. 3; leave-one-out: this project",
        "(-inf, 0]",
        COST_OF_SPECTRUM,
    ),
}
