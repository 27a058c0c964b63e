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

    Args:
        kernel: K or Theta of the images.
        targets: Y, (n, C).
        labels: classes of the images.
        spectrum: of the kernel, if at hand.
        folds: number of the fold of each image, or a row of them for each way; None: leave one out.
        prediction: at the chosen time and ridge, if at hand.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import predicted_accuracy
        >>> x, labels = np.array([[0.0, 1.0], [0.0, 2.0], [4.0, 1.0], [4.0, 2.0]]), np.array([0, 0, 1, 1])
        >>> kernel, targets = x @ x.T + 1, np.eye(2)[labels] - 0.5
        >>> round(predicted_accuracy(kernel, targets, labels), 3)
        1.0

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

    Args:
        kernel: K or Theta of the images.
        targets: Y, (n, C).
        labels: classes of the images.
        spectrum: of the kernel, if at hand.
        folds: number of the fold of each image, or a row of them for each way; None: leave one out.
        prediction: at the chosen time and ridge, if at hand.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import predicted_loss
        >>> x, labels = np.array([[0.0, 1.0], [0.0, 2.0], [4.0, 1.0], [4.0, 2.0]]), np.array([0, 0, 1, 1])
        >>> kernel, other = x @ x.T + 1, labels[[0, 2, 1, 3]]
        >>> predicted_loss(kernel, np.eye(2)[labels], labels) > predicted_loss(kernel, np.eye(2)[other], other)
        True

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
