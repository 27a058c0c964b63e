"""Supervision complexity: the norm of the labels in the tangent kernel's space."""

import numpy as np
from jaxtyping import Float

from lin_ft.predict import Spectrum
from lin_ft.scores.score import Score
from lin_ft.scores.tangent_kernel import COST_OF_SPECTRUM, spectrum_of
from lin_ft.typing import Array


def supervision_complexity(
    kernel: Float[Array, "n n"], targets: Float[Array, "n C"], *, ridge: float = 1e-3, spectrum: Spectrum | None = None
) -> float:
    """-(1/n) sqrt(tr(Yᵀ A⁻¹ Y) tr A), A = Theta + ridge I: the labels' norm in the kernel's space, on its own scale.

    Harutyunyan et al., ICLR 2023 (supervision complexity; paper, eq. 4: yᵀ Theta⁻¹ y); the ridge keeps a singular
    kernel invertible. Range (-inf, 0], higher is better. Cost: one eigendecomposition.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import supervision_complexity
        >>> x, labels = np.array([[0.0, 1.0], [0.0, 2.0], [4.0, 1.0], [4.0, 2.0]]), np.array([0, 0, 1, 1])
        >>> kernel, targets = x @ x.T + 1, np.eye(2)[labels] - 0.5
        >>> round(supervision_complexity(kernel, targets), 3)
        -1.324
    """
    spectrum = spectrum_of(kernel, spectrum)
    values = spectrum.eigenvalues / spectrum.scale + ridge
    return float(-np.sqrt(np.sum(spectrum.label_energy(targets) / values) * values.sum()) / len(values))


SCORES = {
    "supervision_complexity": Score(
        supervision_complexity,
        "-(1/n) sqrt(tr(Y' A^-1 Y) tr A)",
        "Harutyunyan et al., ICLR 2023",
        "(-inf, 0]",
        COST_OF_SPECTRUM,
    ),
}
