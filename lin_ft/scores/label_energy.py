"""Label energy: how much of the labels lies in the leading eigenvectors of the tangent kernel."""

import numpy as np
from jaxtyping import Float

from lin_ft.predict import Spectrum
from lin_ft.scores.score import Score
from lin_ft.scores.tangent_kernel import COST_OF_SPECTRUM, spectrum_of
from lin_ft.typing import Array


def label_energy(
    kernel: Float[Array, "n n"],
    targets: Float[Array, "n C"],
    *,
    top: int | None = None,
    spectrum: Spectrum | None = None,
) -> float:
    """Share of ||Y||² in the `top` (by default C) eigenvectors with the largest eigenvalues.

    Paper, eq. 4, before the division by lambda_k. Range [0, 1], higher is better. Cost: one eigendecomposition.
    Ties of eigenvalues at the cut make it depend on the eigenvectors chosen.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import label_energy
        >>> x, labels = np.array([[0.0, 1.0], [0.0, 2.0], [4.0, 1.0], [4.0, 2.0]]), np.array([0, 0, 1, 1])
        >>> kernel, targets = x @ x.T + 1, np.eye(2)[labels] - 0.5
        >>> round(label_energy(kernel, targets), 3)
        0.946
    """
    spectrum = spectrum_of(kernel, spectrum)
    energy = spectrum.label_energy(targets)
    total = float(energy.sum())
    return float(energy[-(top or np.shape(targets)[1]) :].sum()) / total if total > 0 else 0.0


SCORES = {
    "label_energy": Score(
        label_energy, "sum_(k <= C) (v_k y)^2 / |y|^2", "Deshpande et al. 2021, eq. 4", "[0, 1]", COST_OF_SPECTRUM
    ),
}
