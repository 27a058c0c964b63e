"""Training the linearized network by gradient flow on L = ½||f - Y||² + ½ ridge ||w - w0||², in closed form.

With A = Theta + ridge I and r0 = Y - f0:   f_t(x*) = f0(x*) + Theta(x*, X) A⁻¹ (I - exp(-eta A t)) r0.
(Paper, Proposition 1 and appendix A, with the ½ in the loss: the printed eq. 1 and appendix A differ by a factor of 2
in the exponent. Infinite time is kernel ridge regression; ridge 0 and infinite time is the minimum-norm solution.)
`times` are eta t everywhere, in units of 1 / kernel; times x ridges all come from one `Spectrum`.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.predict.spectrum import Spectrum, columns
from lin_ft.typing import Array, Logits


def check_grid(times: Sequence[float] | Array, ridges: Sequence[float] | Array) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64 arrays, (T,) and (R,); InputError for an empty, negative or NaN entry."""
    grid = tuple(np.atleast_1d(np.asarray(values, np.float64)) for values in (times, ridges))
    for name, values in zip(("time", "ridge"), grid, strict=True):
        if not values.size or not (values >= 0).all() or (name == "ridge" and np.isinf(values).any()):
            raise InputError(f"{name}s {values.tolist()}: give numbers >= 0.")
    return grid


def fitted_fraction(
    spectrum: Spectrum, times: Float[np.ndarray, " T"], ridges: Float[np.ndarray, " R"]
) -> Float[np.ndarray, "T R m"]:
    """(1 - exp(-(lambda_k + ridge) eta t)) / (lambda_k + ridge): the filter on r0 that gives the dual coefficients.

    Its limit for lambda_k + ridge -> 0 is eta t; at infinite time, where that diverges, directions within rounding of
    the kernel's null space are left alone (0), which is the minimum-norm solution.
    """
    rate = spectrum.eigenvalues[None, None, :] + ridges[None, :, None]
    floor = len(spectrum.eigenvalues) * np.finfo(np.float64).eps * max(float(spectrum.eigenvalues[-1]), 0.0)
    finite = np.where(np.isinf(times), 0.0, times)[:, None, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        at_finite = np.where(rate > 0, -np.expm1(-rate * finite) / rate, finite)
        at_infinity = np.where(rate > floor, 1 / rate, 0.0)
    return np.where(np.isinf(times)[:, None, None], at_infinity, at_finite)


def dual_coefficients(
    spectrum: Spectrum,
    residual0: Float[Array, "n C"],
    times: Sequence[float] | Array,
    ridges: Sequence[float] | Array = (0.0,),
) -> Float[np.ndarray, "T R m k"]:
    """alpha(t) = A⁻¹ (I - exp(-eta A t)) r0, such that w(t) = w0 + Jᵀ alpha(t). Cost: 2 m² k FLOPs a grid point."""
    times, ridges = check_grid(times, ridges)
    projected = spectrum.eigenvectors.T @ columns(residual0, len(spectrum.eigenvalues))
    filtered = fitted_fraction(spectrum, times, ridges)[..., None] * projected
    return spectrum.eigenvectors @ filtered


def predict_logits(
    spectrum: Spectrum,
    cross_kernel: Float[Array, "n2 n"] | Float[Array, "n2 C n C"],
    targets: Logits,
    times: Sequence[float] | Array,
    ridges: Sequence[float] | Array = (0.0,),
    *,
    logits0: Logits | None = None,
    logits0_test: Logits | None = None,
) -> Float[np.ndarray, "T R n2 C"]:
    """f_t on test inputs, from Theta(X*, X). Give both initial logits, or neither (both zero)."""
    if (logits0 is None) != (logits0_test is None):
        raise InputError("initial logits: give those of the training and of the test inputs, or neither.")
    y = np.asarray(targets, np.float64)
    alpha = dual_coefficients(spectrum, y if logits0 is None else y - np.asarray(logits0), times, ridges)
    cross = np.asarray(cross_kernel, np.float64)
    n2 = cross.shape[0]
    matrix = cross.reshape(-1, alpha.shape[2])
    change = (matrix @ alpha).reshape(*alpha.shape[:2], n2, y.shape[1])
    return change if logits0_test is None else change + np.asarray(logits0_test, np.float64)


def training_residuals(
    spectrum: Spectrum, residual0: Float[Array, "n C"], times: Sequence[float] | Array
) -> Float[np.ndarray, "T n C"]:
    """r(t) = exp(-eta Theta t) r0 without ridge."""
    times, _ = check_grid(times, (0.0,))
    residual0 = np.asarray(residual0, np.float64)
    projected = spectrum.eigenvectors.T @ columns(residual0, len(spectrum.eigenvalues))
    with np.errstate(invalid="ignore"):
        decay = np.exp(-np.where(spectrum.eigenvalues > 0, spectrum.eigenvalues * times[:, None], 0.0))
    return (spectrum.eigenvectors @ (decay[..., None] * projected)).reshape(-1, *residual0.shape)


def loss_decrease(
    spectrum: Spectrum, residual0: Float[Array, "n C"], times: Sequence[float] | Array
) -> Float[np.ndarray, " T"]:
    """G(t) = ½ sum_k (1 - exp(-2 eta lambda_k t)) (v_k·r0)², the predicted training curve: L(0) - L(t).

    Its slope at t = 0 is eta r0ᵀ Theta r0, the Label-Gradient score; its limit is the part of ½||r0||² in the range of
    Theta. Cost: O(m²) once, O(m) a time.
    """
    times, _ = check_grid(times, (0.0,))
    rate = spectrum.eigenvalues
    with np.errstate(invalid="ignore"):
        exponent = np.where(rate > 0, rate * times[:, None], 0.0)
    return 0.5 * (-np.expm1(-2 * exponent)) @ spectrum.label_energy(residual0)
