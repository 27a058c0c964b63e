"""Predicted decrease: the share of the loss that a short training of the linearized network removes."""

import numpy as np
from jaxtyping import Float

from lin_ft.predict import PrimalSpectrum, Spectrum
from lin_ft.scores.score import Score
from lin_ft.scores.tangent_kernel import COST_OF_SPECTRUM, spectrum_of
from lin_ft.typing import Array


def predicted_decrease(
    kernel: Float[Array, "n n"] | Float[Array, "n C n C"],
    targets: Float[Array, "n C"],
    *,
    time: float = 10.0,
    spectrum: Spectrum | None = None,
) -> float:
    """Share of the squared loss that gradient flow removes in time t: sum_k (1 - exp(-2 t l_k)) (v_k·r)² / ||r||².

    Paper, eqs. 1 and 3, with l_k in units of their mean. Range [0, 1], higher is better; its slope at t = 0 is
    2 x Label-Gradient in its `trace` form x n. Of a full kernel, (n, C, n, C), the sum is over its n C eigenvectors.
    Cost: one eigendecomposition.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import predicted_decrease
        >>> x, labels = np.array([[0.0, 1.0], [0.0, 2.0], [4.0, 1.0], [4.0, 2.0]]), np.array([0, 0, 1, 1])
        >>> kernel, targets = x @ x.T + 1, np.eye(2)[labels] - 0.5
        >>> round(predicted_decrease(kernel, targets), 3)
        0.967

    Raises:
        InputError: a kernel that is not symmetric and positive semi-definite, targets that do not go with it.
    """
    return decrease(spectrum_of(kernel, spectrum), targets, time)


def decrease(spectrum: Spectrum | PrimalSpectrum, targets: Float[Array, "n C"], time: float = 10.0) -> float:
    """The same from the spectrum of the kernel, or of features whose inner products it is. Cost: 2 n r C FLOPs."""
    total = float(np.sum(np.asarray(targets, np.float64) ** 2))
    decayed = -np.expm1(-2 * time * spectrum.eigenvalues / spectrum.scale)
    return float(decayed @ spectrum.label_energy(targets)) / total if total > 0 else 0.0


SCORES = {
    "predicted_decrease": Score(
        predicted_decrease,
        "sum_k (1 - exp(-2 t l_k)) (v_k r)^2 / |r|^2, t = 10 / mean l",
        "Deshpande et al. 2021, eqs. 1 and 3",
        "[0, 1]",
        COST_OF_SPECTRUM,
    ),
}
