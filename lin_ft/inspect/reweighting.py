"""What giving one training image another weight does to the predictions, for every image at once, in closed form.

Training minimises ½ sum_j s_j ||f(x_j) - Y_j||² + ½ ridge ||w - w0||²; all weights s_j are 1 but s_i = s. Gradient flow
on it, Laplace-transformed in the time eta t, has the dual coefficients alpha(z) = (Theta + zeta S⁻¹)⁻¹ r0, zeta = ridge
+ z: finite times are ridge regression at complex ridges (`lin_ft.predict.leave_one_out`), infinite time is zeta =
ridge. With A = Theta + zeta I, alpha = A⁻¹ r0 and delta = zeta (1 / s - 1), by Sherman and Morrison

    alpha(s) = alpha - A⁻¹ e_i c_i,   c_i = delta alpha_i / (1 + delta [A⁻¹]_ii),

so f(x*) changes by -[Theta* A⁻¹]_i c_i. Leaving out is s = 0, where c_i = alpha_i / [A⁻¹]_ii is the leave-one-out
residual; the derivative in s at 1 is -c_i' with c_i' = -zeta alpha_i, the residual of the training image: the dataset
derivative (DIVA, Dukler et al. 2022, arXiv 2111.09785) and TRAK's estimator (Park et al. 2023, arXiv 2303.14186) for
the squared loss.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Complex, Float

from lin_ft.errors import InputError
from lin_ft.predict import PrimalSpectrum, Spectrum
from lin_ft.predict.leave_out import NODES, contour
from lin_ft.typing import Array


def effects(
    spectrum: Spectrum,
    cross_kernel: Array,
    residual0: Array,
    *,
    time: float = np.inf,
    ridge: float,
    weight: float | None = None,
    rows: Array | None = None,
) -> Float[np.ndarray, "r m C"]:
    """Change of the predictions on m images where training image i has `weight` and not 1 (0: it is left out).

    With `weight` None their derivative in its weight, at 1. `rows`: of these training images, by default of all n.
    `cross_kernel` (m, n) and `residual0` (n, C); `time` is eta t in units of 1 / kernel, `ridge` in units of the
    kernel. Equal to `effects_by_refit`. Cost: 2 n² m FLOPs and n m C numbers at infinite time, 24 times as many FLOPs
    at a finite one.

    Raises:
        InputError: shapes that do not go together, a ridge of 0 with a singular kernel at infinite time, a negative
            weight, time or ridge.
    """
    cross, r0 = _checked(spectrum, cross_kernel, residual0)
    _check(weight, time, ridge)
    vectors = spectrum.eigenvectors
    along, projected = cross @ vectors, vectors.T @ r0
    chosen = np.arange(len(r0)) if rows is None else np.asarray(rows)
    result = np.zeros((len(chosen), len(cross), r0.shape[1]))
    for zeta, share in nodes(spectrum, time, ridge):
        inverse = 1 / (spectrum.eigenvalues + zeta)
        alpha = vectors @ (inverse[:, None] * projected)
        own = (vectors**2) @ inverse
        to_test = (along * inverse) @ vectors.T  # Theta* A⁻¹
        coefficients = shifted(alpha, own, zeta, weight)
        result -= np.real(share * to_test.T[chosen][:, :, None] * coefficients[chosen][:, None, :])
    return result


def primal_effects(
    spectrum: PrimalSpectrum,
    test_features: Array,
    residual0: Array,
    *,
    ridge: float,
    weight: float | None = None,
) -> Float[np.ndarray, "n m C"]:
    """`effects` of Theta = Z Zᵀ at infinite time from n x k features Z, linear in n: z* (ZᵀZ + ridge)⁻¹ z_i c_i.

    With `lin_ft.kernels.sketched_features` the tangent kernel's own within the sketch's error. Cost: 2 (n + m) k r
    FLOPs and n m C numbers.

    Raises:
        InputError: as `effects`; a ridge that is not above 0.
    """
    z, r0 = np.asarray(test_features, np.float64), np.asarray(residual0, np.float64)
    if z.ndim != 2 or z.shape[1] != len(spectrum.right) or r0.ndim != 2 or len(r0) != len(spectrum.left):
        raise InputError(
            f"features {np.shape(test_features)} and targets {r0.shape} do not go with a decomposition of"
            f" {len(spectrum.left)} samples and {len(spectrum.right)} features."
        )
    _check(weight, np.inf, ridge)
    if not ridge > 0:
        raise InputError(f"ridge {ridge}: give one above 0.")
    values, left = spectrum.eigenvalues, spectrum.left
    kept = ridge / (values + ridge)
    # ridge alpha = r0 - U h Uᵀ r0 and ridge [A⁻¹]_ii = 1 - [U h Uᵀ]_ii with h = 1 - kept
    alpha = (r0 - left @ ((1 - kept)[:, None] * (left.T @ r0))) / ridge
    own = (1 - (left**2) @ (1 - kept)) / ridge
    to_test = (z @ spectrum.right * (np.sqrt(values) / (values + ridge))) @ left.T
    return -(to_test.T[:, :, None] * shifted(alpha, own, ridge, weight)[:, None, :])


def effects_by_refit(
    kernel: Array, cross_kernel: Array, residual0: Array, *, time: float = np.inf, ridge: float, weight: float
) -> Float[np.ndarray, "n m C"]:
    """The slow, obvious twin: n refits, each with the rows of the weighted kernel S^½ Theta S^½."""
    from lin_ft.predict import decompose, predict_logits

    theta, cross, r0 = (np.asarray(each, np.float64) for each in (kernel, cross_kernel, residual0))

    def trained(s: np.ndarray) -> np.ndarray:
        root = np.sqrt(s)
        spectrum = decompose(root[:, None] * theta * root)
        return predict_logits(spectrum, cross * root, root[:, None] * r0, (time,), (ridge,))[0, 0]

    everything = trained(np.ones(len(r0)))
    changes = []
    for i in range(len(r0)):
        weights = np.ones(len(r0))
        weights[i] = weight
        changes.append(trained(weights) - everything)
    return np.stack(changes)


def nodes(spectrum: Spectrum, time: float, ridge: float) -> Iterator[tuple[float | complex, float | complex]]:
    """(zeta, share): the prediction at `time` is the real part of the sum of shares of ridge regressions at zeta."""
    if time == 0:
        return
    if not np.isinf(time):
        for point, share in zip(*contour(NODES), strict=True):
            yield ridge + point / time, share
    elif ridge > 0 or spectrum.eigenvalues[0] > 0:
        yield ridge, 1.0
    else:
        raise InputError(
            "ridge 0: the kernel is singular, and leaving an image out has no one answer; give one above 0."
        )


def shifted(
    alpha: Complex[np.ndarray, "n C"] | Float[np.ndarray, "n C"],
    own: Complex[np.ndarray, " n"] | Float[np.ndarray, " n"],
    zeta: float | complex,
    weight: float | None,
) -> Complex[np.ndarray, "n C"] | Float[np.ndarray, "n C"]:
    """c_i of the module's formula, or with `weight` None its derivative in the weight; `own` is [A⁻¹]_ii."""
    if weight is None:
        return -zeta * alpha
    if weight == 0:
        return alpha / own[:, None]
    delta = zeta * (1 / weight - 1)
    return delta * alpha / (1 + delta * own)[:, None]


def _checked(spectrum: Spectrum, cross_kernel: Array, residual0: Array) -> tuple[np.ndarray, np.ndarray]:
    cross, r0, m = np.asarray(cross_kernel, np.float64), np.asarray(residual0, np.float64), len(spectrum.eigenvalues)
    if r0.ndim != 2 or len(r0) != m or cross.ndim != 2 or cross.shape[1] != m:
        raise InputError(
            f"cross-kernel {cross.shape} and targets {r0.shape} do not go with a training kernel of {m} rows."
        )
    if not np.isfinite(cross).all() or not np.isfinite(r0).all():
        raise InputError("cross-kernel or targets: hold NaN or infinite values.")
    return cross, r0


def _check(weight: float | None, time: float, ridge: float) -> None:
    if weight is not None and not 0 <= weight < np.inf:
        raise InputError(f"weight {weight}: give 0 (left out) or a number above.")
    if not time >= 0 or not 0 <= ridge < np.inf:
        raise InputError(f"time {time}, ridge {ridge}: give numbers >= 0, the ridge finite.")
