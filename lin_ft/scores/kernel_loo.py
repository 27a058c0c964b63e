"""Leave-one-out accuracy and loss of kernel ridge regression with the tangent kernel."""

import numpy as np
from jaxtyping import Float

from lin_ft.predict import Prediction, Spectrum, select
from lin_ft.scores.inputs import classes_of
from lin_ft.scores.predicted_accuracy import RIDGES
from lin_ft.scores.score import Score
from lin_ft.scores.tangent_kernel import COST_OF_SPECTRUM, spectrum_of
from lin_ft.typing import Array


def kernel_loo_accuracy(
    kernel: Float[Array, "n n"], targets: Float[Array, "n C"], labels: Array, *, spectrum: Spectrum | None = None
) -> float:
    """Leave-one-out accuracy of kernel ridge regression at the ridge of least leave-one-out loss.

    r_loo,i = [A⁻¹ r]_i / [A⁻¹]_ii, A = Theta + ridge I. Range [0, 1], higher is better. Cost: one eigendecomposition
    and O(n² C) a ridge. `predicted_accuracy` chooses a training time as well.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import kernel_loo_accuracy
        >>> x, labels = np.array([[0.0, 1.0], [0.0, 2.0], [4.0, 1.0], [4.0, 2.0]]), np.array([0, 0, 1, 1])
        >>> kernel, targets = x @ x.T + 1, np.eye(2)[labels] - 0.5
        >>> round(kernel_loo_accuracy(kernel, targets, labels), 3)
        1.0
    """
    return _loo(kernel, targets, labels, spectrum).accuracy


def kernel_loo_loss(
    kernel: Float[Array, "n n"], targets: Float[Array, "n C"], labels: Array, *, spectrum: Spectrum | None = None
) -> float:
    """Minus the least leave-one-out loss of the ridges, (1 / 2n) sum of squares.

    `kernel_loo_accuracy` is the accuracy of the same. Range (-inf, 0], higher is better. Cost: one eigendecomposition
    and O(n² C) a ridge.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import kernel_loo_loss
        >>> x, labels = np.array([[0.0, 1.0], [0.0, 2.0], [4.0, 1.0], [4.0, 2.0]]), np.array([0, 0, 1, 1])
        >>> kernel, other = x @ x.T + 1, labels[[0, 2, 1, 3]]
        >>> kernel_loo_loss(kernel, np.eye(2)[labels], labels) > kernel_loo_loss(kernel, np.eye(2)[other], other)
        True
    """
    return -_loo(kernel, targets, labels, spectrum).loss


def _loo(kernel: Array, targets: Array, labels: Array, spectrum: Spectrum | None) -> Prediction:
    spectrum = spectrum_of(kernel, spectrum)
    y = classes_of(labels, len(spectrum.eigenvalues))
    return select(spectrum, np.asarray(targets, np.float64), y, [np.inf], [ridge * spectrum.scale for ridge in RIDGES])


SCORES = {
    "kernel_loo_accuracy": Score(
        kernel_loo_accuracy,
        "accuracy of y_i - [A^-1 r]_i / [A^-1]_ii, A = K + ridge I",
        "Allen 1974",
        "[0, 1]",
        COST_OF_SPECTRUM,
    ),
    "kernel_loo_loss": Score(
        kernel_loo_loss, "-(1/2n) sum_i ([A^-1 r]_i / [A^-1]_ii)^2", "Allen 1974", "(-inf, 0]", COST_OF_SPECTRUM
    ),
}
