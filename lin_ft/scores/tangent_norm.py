"""Tangent norm: how far the linearized fine-tuning moves the weights."""

import numpy as np
from jaxtyping import Float

from lin_ft.predict import Spectrum
from lin_ft.scores.score import Score
from lin_ft.scores.tangent_kernel import COST_OF_SPECTRUM, spectrum_of
from lin_ft.typing import Array


def tangent_norm(
    kernel: Float[Array, "n n"], targets: Float[Array, "n C"], *, ridge: float = 1e-3, spectrum: Spectrum | None = None
) -> float:
    """-||w - w0|| of the linearized fine-tuning: sqrt(tr(Yᵀ A⁻¹ Theta A⁻¹ Y)), A = Theta + ridge mean(lambda) I.

    The length of the task vector (Ilharco et al., ICLR 2023) in the tangent space (Ortiz-Jimenez et al., NeurIPS 2023):
    less movement, so higher is better. Range (-inf, 0], in units of the weights. Cost: one eigendecomposition.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import tangent_norm
        >>> x, labels = np.array([[0.0, 1.0], [0.0, 2.0], [4.0, 1.0], [4.0, 2.0]]), np.array([0, 0, 1, 1])
        >>> kernel, targets = x @ x.T + 1, np.eye(2)[labels] - 0.5
        >>> round(tangent_norm(kernel, targets), 3)
        -0.771
    """
    spectrum = spectrum_of(kernel, spectrum)
    values = spectrum.eigenvalues
    return float(-np.sqrt(np.sum(spectrum.label_energy(targets) * values / (values + ridge * spectrum.scale) ** 2)))


SCORES = {
    "tangent_norm": Score(
        tangent_norm,
        "-|w - w0| of the linearized fine-tuning",
        "Ortiz-Jimenez et al., NeurIPS 2023",
        "(-inf, 0]",
        COST_OF_SPECTRUM,
    ),
}
