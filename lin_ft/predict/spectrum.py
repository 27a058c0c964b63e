"""One eigendecomposition of the kernel, that serves every training time and every ridge."""

import dataclasses

import numpy as np
import scipy.linalg
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.typing import Array


@dataclasses.dataclass(frozen=True, eq=False)
class Spectrum:
    """Theta = V diag(lambda) Vᵀ in float64: `eigenvalues` (m,) ascending and >= 0, `eigenvectors` (m, m) in columns.

    m = n for a trace or pseudo kernel, which acts on each of the C outputs alike; m = n C for a full kernel.
    """

    eigenvalues: Float[np.ndarray, " m"]
    eigenvectors: Float[np.ndarray, "m m"]

    @property
    def scale(self) -> float:
        """The mean eigenvalue tr(Theta) / m, the unit of relative ridges and times; 1 for a zero kernel."""
        mean = float(self.eigenvalues.mean())
        return mean if mean > 0 else 1.0

    def effective_dimension(self, ridge: float) -> float:
        """sum_k lambda_k / (lambda_k + ridge): how many directions of the targets are fitted, in 0 .. m."""
        if ridge <= 0:
            raise InputError(f"ridge {ridge}: the effective dimension needs a positive ridge.")
        return float(np.sum(self.eigenvalues / (self.eigenvalues + ridge)))

    def label_energy(self, residual0: Float[Array, "n C"]) -> Float[np.ndarray, " m"]:
        """(v_k · r0)² summed over outputs, for each eigenvector, ascending in the eigenvalue: adds up to ||r0||²."""
        return np.sum((self.eigenvectors.T @ columns(residual0, len(self.eigenvalues))) ** 2, axis=1)

    @property
    def largest_stable_learning_rate(self) -> float:
        """2 / lambda_max: above it gradient descent on ½||f - Y||² diverges; infinite for a zero kernel."""
        largest = float(self.eigenvalues[-1])
        return 2 / largest if largest > 0 else np.inf


def decompose(kernel: Float[Array, "n n"] | Float[Array, "n C n C"]) -> Spectrum:
    """The spectrum of a symmetric positive semi-definite kernel. Cost: about 9 m³ FLOPs, 2 m² numbers of 8 bytes.

    Negative eigenvalues within rounding (m eps_float32 lambda_max) are set to 0.

    Raises:
        InputError: a kernel that is not square, not finite, not symmetric or not positive semi-definite; says how far.
    """
    matrix = np.asarray(kernel, np.float64)
    if matrix.ndim == 4 and matrix.shape[:2] == matrix.shape[2:]:
        matrix = matrix.reshape(matrix.shape[0] * matrix.shape[1], -1)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise InputError(f"kernel: shape {np.shape(kernel)}, but (n, n) or (n, C, n, C) is needed.")
    if not np.isfinite(matrix).all():
        raise InputError("kernel: holds NaN or infinite values; check the weights and the inputs.")
    largest = float(np.abs(matrix).max())
    asymmetry = float(np.abs(matrix - matrix.T).max())
    rounding = len(matrix) * float(np.finfo(np.float32).eps)
    if asymmetry > rounding * largest:
        raise InputError(f"kernel: not symmetric (entries differ by {asymmetry:.3g}, the largest is {largest:.3g}).")
    eigenvalues, eigenvectors = scipy.linalg.eigh((matrix + matrix.T) / 2)
    if eigenvalues[0] < -rounding * eigenvalues[-1]:
        raise InputError(
            f"kernel: not positive semi-definite (eigenvalues from {eigenvalues[0]:.3g} to {eigenvalues[-1]:.3g})."
        )
    return Spectrum(np.maximum(eigenvalues, 0.0), eigenvectors)


def columns(values: Float[Array, "n C"], m: int) -> Float[np.ndarray, "m k"]:
    """Targets or residuals as columns the kernel acts on: (n, C) for m = n, one column (n C, 1) for m = n C."""
    array = np.asarray(values, np.float64)
    if array.ndim != 2 or m not in (len(array), array.size):
        raise InputError(f"targets: shape {array.shape} does not go with a kernel of {m} rows.")
    if not np.isfinite(array).all():
        raise InputError("targets: hold NaN or infinite values.")
    return array if m == len(array) else array.reshape(-1, 1)
