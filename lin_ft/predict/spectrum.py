# pyright: reportMissingTypeStubs=false, reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
"""One eigendecomposition of the kernel, that serves every training time and every ridge."""

import dataclasses

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.typing import Array


@dataclasses.dataclass(frozen=True, eq=False)
class Spectrum:
    """Theta = V diag(lambda) Vᵀ in float64: `eigenvalues` (m,) ascending, >= 0; `eigenvectors` (m, m).

    m = n for a trace or pseudo kernel, which acts on each of the C outputs alike (Theta ⊗ I_C); m = n C for a
    full kernel. Eigenvalues within rounding of the null space are exactly 0. Eigenvalues have the unit of the
    kernel, times eta t that of 1 / kernel.
    """

    eigenvalues: Float[np.ndarray, " m"]
    eigenvectors: Float[np.ndarray, "m m"]

    @property
    def scale(self) -> float:
        """The mean eigenvalue tr(Theta) / m, the unit of relative ridges and times; 1 for a zero kernel."""
        mean = float(self.eigenvalues.mean())
        return mean if mean > 0 else 1.0

    def effective_dimension(self, ridge: float) -> float:
        """sum_k lambda_k / (lambda_k + ridge) = tr(Theta (Theta + ridge I)⁻¹): directions fitted, of m."""
        if not ridge > 0:
            raise InputError(f"ridge {ridge}: the effective dimension needs a positive ridge.")
        return float(np.sum(self.eigenvalues / (self.eigenvalues + ridge)))

    def label_energy(self, residual0: Float[Array, "n C"]) -> Float[np.ndarray, " m"]:
        """(v_k · r0)² summed over outputs, for each eigenvector, eigenvalues ascending: adds up to ||r0||².

        Paper, eq. 4, before the division by lambda_k. Cost: 2 m² C FLOPs.
        """
        return np.sum((self.eigenvectors.T @ columns(residual0, len(self.eigenvalues))) ** 2, axis=1)


def decompose(kernel: Array) -> Spectrum:
    """The spectrum of a symmetric positive semi-definite kernel, (n, n) or (n, C, n, C).

    NumPy equivalent: `np.linalg.eigh(kernel)`. Cost: about 9 m³ FLOPs, 5 m² numbers of 8 bytes.
    Negative eigenvalues within the rounding of a float32 kernel, m eps32 lambda_max, are set to 0. So are all
    within the rounding of this decomposition, m eps64 lambda_max: their values are noise, and at long times
    noise would be fitted.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import decompose
        >>> decompose(np.array([[2.0, 1.0], [1.0, 2.0]])).eigenvalues.round(6)
        array([1., 3.])

    Raises:
        InputError: a kernel that is not square, not finite, not symmetric or not positive semi-definite; says
            how far.
    """
    import scipy.linalg  # half a second of import that only this function needs

    matrix = np.asarray(kernel, np.float64)
    if matrix.ndim == 4 and matrix.shape[:2] == matrix.shape[2:]:
        matrix = matrix.reshape(matrix.shape[0] * matrix.shape[1], -1)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise InputError(f"kernel: shape {np.shape(kernel)}, but (n, n) or (n, C, n, C) is needed.")
    if not np.isfinite(matrix).all():
        raise InputError("kernel: holds NaN or infinite values; check the weights and the inputs.")
    m, largest = len(matrix), float(np.abs(matrix).max())
    asymmetry = float(np.abs(matrix - matrix.T).max())
    float32_rounding = m * float(np.finfo(np.float32).eps)
    if asymmetry > float32_rounding * largest:
        raise InputError(
            f"kernel: not symmetric (entries differ by {asymmetry:.3g}, the largest is {largest:.3g});"
            " for a cross-kernel use predict_logits."
        )
    if largest == 0:
        return Spectrum(np.zeros(m), np.eye(m))
    eigenvalues, eigenvectors = scipy.linalg.eigh((matrix + matrix.T) / 2)
    if eigenvalues[0] < -float32_rounding * eigenvalues[-1]:
        raise InputError(
            f"kernel: not positive semi-definite (eigenvalues {eigenvalues[0]:.3g} to {eigenvalues[-1]:.3g})."
        )
    noise = m * np.finfo(np.float64).eps * eigenvalues[-1]
    return Spectrum(np.where(eigenvalues > noise, eigenvalues, 0.0), eigenvectors)


def columns(values: Array, m: int) -> Float[np.ndarray, "m k"]:
    """Targets or residuals as columns the kernel acts on: (n, C) for m = n, (n C, 1) for m = n C."""
    array = np.asarray(values, np.float64)
    if array.ndim != 2 or m not in (len(array), array.size):
        raise InputError(f"targets: shape {array.shape} does not go with a kernel of {m} rows.")
    if not np.isfinite(array).all():
        raise InputError("targets: hold NaN or infinite values.")
    return array if m == len(array) else array.reshape(-1, 1)
