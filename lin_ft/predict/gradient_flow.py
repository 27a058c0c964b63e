"""Training the linearized network by gradient flow on L = ½||f - Y||² + ½ ridge ||w - w0||², in closed form.

With A = Theta + ridge I and r0 = Y - f0:   f_t(x*) = f0(x*) + Theta(x*, X) A⁻¹ (I - exp(-eta A t)) r0.
(Paper, Proposition 1 and appendix A, with the ½ in the loss: the printed eq. 1 and appendix A differ by a
factor of 2 in the exponent. Infinite time is kernel ridge regression; ridge 0 and infinite time is the
minimum-norm solution.) `times` are eta t everywhere, in units of 1 / kernel; times x ridges all come from one
`Spectrum`.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.predict.spectrum import Spectrum, columns
from lin_ft.typing import Array, Logits


def dual_coefficients(
    spectrum: Spectrum,
    residual0: Float[Array, "n C"],
    times: Sequence[float] | Array = (np.inf,),
    ridges: Sequence[float] | Array = (0.0,),
) -> Float[np.ndarray, "T R m k"]:
    """alpha(t) = A⁻¹ (I - exp(-eta A t)) r0, such that w(t) = w0 + Jᵀ alpha(t).

    The part in the null space of the kernel, which moves neither weights nor predictions, is left out. k = C
    columns for a trace or pseudo kernel (m = n), one for a full kernel (m = n C). NumPy equivalent at
    infinite time: `np.linalg.solve(kernel + ridge * np.eye(n), residual0)`.
    Cost: 2 m² k FLOPs a grid point.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import decompose, dual_coefficients
        >>> kernel, residual = np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([[1.0], [-1.0]])
        >>> dual_coefficients(decompose(kernel), residual, ridges=[0.0, 1.0])[0, :, :, 0].round(3)  # the solve, twice
        array([[ 1. , -1. ],
               [ 0.5, -0.5]])
    """
    times, ridges = check_grid(times, ridges)
    projected = spectrum.eigenvectors.T @ columns(residual0, len(spectrum.eigenvalues))
    return spectrum.eigenvectors @ (fitted_fraction(spectrum, times, ridges)[..., None] * projected)


def predict_logits(
    spectrum: Spectrum,
    cross_kernel: Float[Array, "n2 _"] | Float[Array, "n2 C _ _"],
    targets: Logits,
    times: Sequence[float] | Array = (np.inf,),
    ridges: Sequence[float] | Array = (0.0,),
    *,
    logits0: Logits | None = None,
    logits0_test: Float[Array, "n2 C"] | None = None,
) -> Float[np.ndarray, "T R n2 C"]:
    """f_t(x*) = f0(x*) + Theta(x*, X) alpha(t) on test inputs; on the training inputs with the kernel itself.

    Give both initial logits, or neither (both zero). Cost: 2 m (m + n2) k FLOPs a grid point.

    Args:
        spectrum: of the training kernel, from `decompose`.
        cross_kernel: Theta(x*, X), test inputs in rows.
        targets: Y, (n, C).
        times: training times eta t, in units of 1 / kernel; infinity: trained for ever.
        ridges: penalties on ½||w - w0||², in units of the kernel.
        logits0: f0 on the training inputs; None: 0.
        logits0_test: f0 on the test inputs; None: 0.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import decompose, predict_logits
        >>> x, test = np.array([[0.0], [1.0], [2.0]]), np.array([[3.0]])
        >>> spectrum = decompose(x @ x.T + 1)  # the kernel of a line a x + b
        >>> predict_logits(spectrum, test @ x.T + 1, 2 * x, times=[0.1, np.inf])[:, 0, 0, 0].round(3)
        array([2.593, 6.   ])

    Raises:
        InputError: shapes that do not go together, one of the two initial logits without the other,
            non-finite values, negative times or ridges.
    """
    residual0 = initial_residual(targets, logits0, logits0_test)
    alpha = dual_coefficients(spectrum, residual0, times, ridges)
    return logits_from_dual(alpha, cross_kernel, residual0.shape[1], logits0_test)


def training_residuals(
    spectrum: Spectrum,
    residual0: Float[Array, "n C"],
    times: Sequence[float] | Array,
    ridges: Sequence[float] | Array = (0.0,),
) -> Float[np.ndarray, "T R n C"]:
    """r(t) = Y - f_t(X) = A⁻¹ (ridge + Theta exp(-eta A t)) r0; without ridge exp(-eta Theta t) r0.

    Cost: 2 m² k FLOPs a grid point.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import decompose, training_residuals
        >>> spectrum = decompose(np.array([[2.0, 1.0], [1.0, 2.0]]))
        >>> training_residuals(spectrum, np.array([[1.0], [-1.0]]), [0.0, 1.0, np.inf])[:, 0, :, 0].round(3) + 0.0
        array([[ 1.   , -1.   ],
               [ 0.368, -0.368],
               [ 0.   ,  0.   ]])
    """
    times, ridges = check_grid(times, ridges)
    m = len(spectrum.eigenvalues)
    projected = spectrum.eigenvectors.T @ columns(residual0, m)
    rate = spectrum.eigenvalues + ridges[:, None]
    # ridge/rate + lambda/rate exp(-rate t), and 1 where rate = 0
    share = np.divide(ridges[:, None], rate, out=np.ones_like(rate), where=rate > 0)
    left = share + (1 - share) * np.exp(-_exponent(rate, times))
    return (spectrum.eigenvectors @ (left[..., None] * projected)).reshape(*left.shape[:2], *np.shape(residual0))


def loss_decrease(
    spectrum: Spectrum, residual0: Float[Array, "n C"], times: Sequence[float] | Array
) -> Float[np.ndarray, " T"]:
    """G(t) = ½ sum_k (1 - exp(-2 eta lambda_k t)) (v_k·r0)², the predicted training curve: L(0) - L(t).

    Its slope at t = 0 is eta r0ᵀ Theta r0, the Label-Gradient score (paper, eq. 3 with the factor it lacks);
    its limit is the part of ½||r0||² in the range of Theta. Cost: 2 m² k FLOPs once, 2 m a time.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import decompose, loss_decrease
        >>> spectrum = decompose(np.array([[2.0, 1.0], [1.0, 2.0]]))
        >>> loss_decrease(spectrum, np.array([[1.0], [-1.0]]), [0.0, 1.0, np.inf]).round(3)  # of ½||r0||² = 1
        array([0.   , 0.865, 1.   ])
    """
    times, _ = check_grid(times, (0.0,))
    return 0.5 * (-np.expm1(-2 * _exponent(spectrum.eigenvalues, times))) @ spectrum.label_energy(residual0)


def check_grid(times: Sequence[float] | Array, ridges: Sequence[float] | Array) -> tuple[np.ndarray, np.ndarray]:
    """Both as float64 arrays, (T,) and (R,); InputError for none, negative or NaN, or an infinite ridge."""
    checked_times, checked_ridges = (np.atleast_1d(np.asarray(v, np.float64)) for v in (times, ridges))
    for name, values in (("time", checked_times), ("ridge", checked_ridges)):
        if values.ndim != 1 or not values.size or not (values >= 0).all():
            raise InputError(f"{name}s {values.tolist()}: give numbers >= 0.")
    if np.isinf(checked_ridges).any():
        raise InputError(f"ridges {checked_ridges.tolist()}: give finite numbers; an infinite one trains nothing.")
    return checked_times, checked_ridges


def fitted_fraction(
    spectrum: Spectrum, times: Float[np.ndarray, " T"], ridges: Float[np.ndarray, " R"]
) -> Float[np.ndarray, "T R m"]:
    """(1 - exp(-x eta t)) / x for x = lambda_k + ridge: the filter on r0 that gives the dual coefficients.

    0 in the null space of the kernel: what is there moves neither weights nor predictions, and would grow
    without bound.
    """
    rate = spectrum.eigenvalues + ridges[:, None]
    filled = -np.expm1(-_exponent(rate, times))
    learned = np.broadcast_to(spectrum.eigenvalues > 0, filled.shape)
    return np.divide(filled, rate, out=np.zeros_like(filled), where=learned)


def initial_residual(targets: Array, logits0: Array | None, logits0_test: Array | None) -> Float[np.ndarray, "n C"]:
    """r0 = Y - f0, with f0 = 0 where neither initial logits are given."""
    y = np.asarray(targets, np.float64)
    if (logits0 is None) != (logits0_test is None):
        raise InputError("initial logits: give those of the training and of the test inputs, or neither.")
    if logits0 is None:
        return y
    if np.shape(logits0) != y.shape:
        raise InputError(f"initial logits: shape {np.shape(logits0)}, but the targets are {y.shape}.")
    return y - np.asarray(logits0, np.float64)


def logits_from_dual(
    alpha: Float[np.ndarray, "T R m k"], cross_kernel: Array, n_classes: int, logits0_test: Array | None
) -> Float[np.ndarray, "T R n2 C"]:
    """f0(x*) + Theta(x*, X) alpha, for a trace, pseudo or full kernel."""
    cross = np.asarray(cross_kernel, np.float64)
    if cross.ndim not in (2, 4) or cross.size != np.prod(cross.shape[: cross.ndim // 2]) * alpha.shape[2]:
        raise InputError(
            f"cross-kernel: shape {cross.shape} does not go with a training kernel of {alpha.shape[2]} rows."
        )
    if not np.isfinite(cross).all():
        raise InputError("cross-kernel: holds NaN or infinite values.")
    change = (cross.reshape(-1, alpha.shape[2]) @ alpha).reshape(*alpha.shape[:2], -1, n_classes)
    return change if logits0_test is None else change + np.asarray(logits0_test, np.float64)


def _exponent(rate: np.ndarray, times: Float[np.ndarray, " T"]) -> np.ndarray:
    """rate * t, (T, ...), with 0 * infinity = 0: what does not learn stays for ever."""
    times = times.reshape(-1, *(1,) * rate.ndim)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(rate > 0, rate * times, 0.0)
