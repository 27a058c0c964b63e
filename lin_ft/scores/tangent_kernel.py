"""What a score from the tangent kernel is given, checked: (n, n), trace or pseudo form, and its eigendecomposition.

Times and ridges are in units of the mean eigenvalue, so all but `tangent_norm` are unchanged by the kernel's scale.
"""

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.predict import Spectrum, decompose
from lin_ft.scores.inputs import matrix
from lin_ft.typing import Array

COST_OF_SPECTRUM = "one eigendecomposition of the kernel, O(n^3)"


def spectrum_of(kernel: Array, spectrum: Spectrum | None = None) -> Spectrum:
    """`spectrum` if it is at hand; else that of the kernel, (n, n) or (n, C, n, C)."""
    if spectrum is not None:
        return spectrum
    return decompose(kernel if np.ndim(kernel) == 4 else square(kernel))


def square(kernel: Array) -> Float[np.ndarray, "n n"]:
    """The kernel in float64.

    Raises:
        InputError: values that are not finite, or not (n, n).
    """
    theta = matrix(kernel, "kernel")
    if theta.shape[0] != theta.shape[1]:
        raise InputError(f"kernel: shape {theta.shape}; give (n, n).")
    return theta
