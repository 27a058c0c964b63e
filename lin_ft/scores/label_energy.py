"""Label energy: how much of the labels lies in the leading eigenvectors of the tangent kernel."""

import numpy as np
from jaxtyping import Float

from lin_ft.scores.tangent_kernel import spectrum_of
from lin_ft.typing import Array


def label_energy(
    kernel: Float[Array, "n n"], targets: Float[Array, "n C"], *, top: int | None = None, spectrum=None
) -> float:
    """Share of ||Y||² in the `top` (by default C) eigenvectors with the largest eigenvalues.

    Paper, eq. 4, before the division by lambda_k. Range [0, 1], higher is better. Cost: one eigendecomposition.
    Ties of eigenvalues at the cut make it depend on the eigenvectors chosen.
    """
    spectrum = spectrum_of(kernel, spectrum)
    energy = spectrum.label_energy(targets)
    total = float(energy.sum())
    return float(energy[-(top or np.shape(targets)[1]) :].sum()) / total if total > 0 else 0.0
