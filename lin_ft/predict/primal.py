# pyright: reportMissingTypeStubs=false, reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
"""The closed forms in the primal: from n x k features Z with Theta = Z Zᵀ, linear in the number of samples n.

With the thin singular value decomposition Z = U sqrt(Lambda) Vᵀ of rank r, every filter of Theta + zeta I acts on r
directions, and is the same number on the rest of the n dimensions. So residuals, weights and predictions cost O(n r)
a (time, ridge), and so does leave-one-out: with h = lambda / (lambda + zeta) and zeta = ridge,
    r_loo,i = [r0 - U h Uᵀ r0]_i / (1 - [U h Uᵀ]_ii)                                    (Allen 1974; Cook 1977)
is the dual form [A⁻¹ r0]_i / [A⁻¹]_ii with both sides times zeta. Finite times are its inverse Laplace transform over
zeta, as in `lin_ft.predict.leave_one_out`, whose twin this is for Theta = Z Zᵀ.

`lin_ft.kernels.sketched_features` gives such features of a tangent kernel: the forms then equal those of the kernel
itself within the sketch's error.

    Z = sketched_features(apply, params, x)                # (n, k + d + 1)
    spectrum = decompose_features(Z)
    residuals = primal_leave_one_out(spectrum, y - f0, times, ridges)
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Complex, Float, Int

from lin_ft.errors import InputError
from lin_ft.predict.gradient_flow import check_grid, initial_residual
from lin_ft.predict.leave_out import NODES, contour
from lin_ft.typing import Array


@dataclasses.dataclass(frozen=True, eq=False)
class PrimalSpectrum:
    """Z = U sqrt(Lambda) Vᵀ in float64.

    `eigenvalues` (r,) ascending, > 0, of Theta = Z Zᵀ; `left` U (n, r); `right` V (k, r). Directions within rounding of
    the null space are left out.
    """

    eigenvalues: Float[np.ndarray, " r"]
    left: Float[np.ndarray, "n r"]
    right: Float[np.ndarray, "k r"]

    @property
    def scale(self) -> float:
        """The mean eigenvalue tr(Theta) / n, the unit of relative ridges and times; 1 for a zero kernel."""
        mean = float(self.eigenvalues.sum()) / len(self.left)
        return mean if mean > 0 else 1.0

    def label_energy(self, residual0: Float[Array, "n C"]) -> Float[np.ndarray, " r"]:
        """(u_k · r0)² summed over outputs, eigenvalues ascending. What the null space holds is the rest of ||r0||²."""
        return np.sum((self.left.T @ _columns(self, residual0)) ** 2, axis=1)


def decompose_features(features: Float[Array, "n k"]) -> PrimalSpectrum:
    """The spectrum of Theta = Z Zᵀ from Z. NumPy equivalent: `np.linalg.svd(features, full_matrices=False)`.

    From the eigenvectors of the smaller of ZᵀZ and Z Zᵀ, so eigenvalues below m eps lambda_max, m the smaller side,
    are noise and left out. Cost: 2 n k min(n, k) FLOPs, and 9 min(n, k)³; memory: n r + k r + 3 min(n, k)² numbers of
    8 bytes.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import decompose_features
        >>> spectrum = decompose_features(np.array([[1.0, 0.0, 1.0], [0.0, 2.0, 0.0]]))
        >>> spectrum.eigenvalues.round(6), spectrum.left.shape, spectrum.right.shape
        (array([2., 4.]), (2, 2), (3, 2))

    Raises:
        InputError: features that are not a matrix, are empty or not finite.
    """
    import scipy.linalg

    z = np.asarray(features, np.float64)
    if z.ndim != 2 or not z.size:
        raise InputError(f"features: shape {np.shape(features)}, but (n, k) is needed.")
    if not np.isfinite(z).all():
        raise InputError("features: hold NaN or infinite values; check the weights and the inputs.")
    wide = z.shape[0] < z.shape[1]
    eigenvalues, vectors = scipy.linalg.eigh(z @ z.T if wide else z.T @ z)
    kept = eigenvalues > max(len(eigenvalues) * np.finfo(np.float64).eps * eigenvalues[-1], 0.0)
    eigenvalues, vectors = eigenvalues[kept], vectors[:, kept]
    others = ((z.T if wide else z) @ vectors) / np.sqrt(eigenvalues)
    left, right = (vectors, others) if wide else (others, vectors)
    return PrimalSpectrum(eigenvalues, left, right)


def primal_weights(
    spectrum: PrimalSpectrum,
    residual0: Float[Array, "n C"],
    times: Sequence[float] | Array = (np.inf,),
    ridges: Sequence[float] | Array = (0.0,),
) -> Float[np.ndarray, "T R k C"]:
    """beta(t) = V sqrt(lambda) (1 - exp(-(lambda + ridge) eta t)) / (lambda + ridge) Uᵀ r0, for every time and ridge.

    The trained network is f0(x) + z(x) beta(t). At infinite time ridge regression on Z: `solve(ZᵀZ + ridge I, Zᵀ r0)`.

    Cost: 2 n r C FLOPs once, 2 k r C a grid point.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import decompose_features, primal_weights
        >>> z = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
        >>> primal_weights(decompose_features(z), z @ np.array([[3.0], [-1.0]]))[0, 0, :, 0].round(6)  # least squares
        array([ 3., -1.])
    """
    times, ridges = check_grid(times, ridges)
    projected = spectrum.left.T @ _columns(spectrum, residual0)
    filled = _fitted_fraction(spectrum, times, ridges) * np.sqrt(spectrum.eigenvalues)
    return spectrum.right @ (filled[..., None] * projected)


def primal_predict(
    spectrum: PrimalSpectrum,
    test_features: Float[Array, "n2 k"],
    targets: Float[Array, "n C"],
    times: Sequence[float] | Array = (np.inf,),
    ridges: Sequence[float] | Array = (0.0,),
    *,
    logits0: Float[Array, "n C"] | None = None,
    logits0_test: Float[Array, "n2 C"] | None = None,
) -> Float[np.ndarray, "T R n2 C"]:
    """f_t(x*) = f0(x*) + z(x*) beta(t): `predict_logits` for the cross-kernel Z* Zᵀ. Cost: 2 n2 k C FLOPs a grid point.

    Args:
        spectrum: of the training features, from `decompose_features`.
        test_features: z(x*), a row each.
        targets: Y, (n, C).
        times: training times eta t, in units of 1 / kernel; infinity: trained for ever.
        ridges: penalties on ½||w - w0||², in units of the kernel.
        logits0: f0 on the training inputs; None: 0.
        logits0_test: f0 on the test inputs; None: 0.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import decompose_features, primal_predict
        >>> z, test = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]]), np.array([[1.0, 3.0]])
        >>> primal_predict(decompose_features(z), test, 2 * z[:, 1:], times=[0.1, np.inf])[:, 0, 0, 0].round(3)
        array([2.593, 6.   ])

    Raises:
        InputError: shapes that do not go together, one of the two initial logits without the other.
    """
    z = np.asarray(test_features, np.float64)
    if z.ndim != 2 or z.shape[1] != len(spectrum.right):
        raise InputError(f"test features: shape {z.shape}, but {len(spectrum.right)} features a sample are needed.")
    change = z @ primal_weights(spectrum, initial_residual(targets, logits0, logits0_test), times, ridges)
    return change if logits0_test is None else change + np.asarray(logits0_test, np.float64)


def primal_residuals(
    spectrum: PrimalSpectrum,
    residual0: Float[Array, "n C"],
    times: Sequence[float] | Array,
    ridges: Sequence[float] | Array = (0.0,),
) -> Float[np.ndarray, "T R n C"]:
    """r(t) = Y - f_t(X), as `training_residuals`. Cost: 4 n r C FLOPs a grid point.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import decompose_features, primal_residuals
        >>> z = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
        >>> primal_residuals(decompose_features(z), np.array([[0.0], [1.0], [5.0]]), [np.inf])[0, 0, :, 0].round(3)
        array([ 0.5, -1. ,  0.5])
    """
    times, ridges = check_grid(times, ridges)
    r0 = _columns(spectrum, residual0)
    fitted = _fitted_fraction(spectrum, times, ridges) * spectrum.eigenvalues
    return r0 - spectrum.left @ (fitted[..., None] * (spectrum.left.T @ r0))


def primal_leave_one_out(
    spectrum: PrimalSpectrum,
    residual0: Float[Array, "n C"],
    times: Sequence[float] | Array = (np.inf,),
    ridges: Sequence[float] | Array = (0.0,),
    *,
    groups: Int[Array, " n"] | None = None,
    nodes: int = NODES,
) -> Float[np.ndarray, "T R n C"]:
    """Residual Y_i - f_i of each sample under the model trained without it, or without its group.

    For every time (eta t) and ridge: `leave_one_out` of Theta = Z Zᵀ. `groups` numbers them, one number a sample.

    At infinite time and ridge 0 the limit of long times is taken. Cost: 4 `nodes` n r (C + 1) FLOPs a grid point, with
    groups of s samples 4 `nodes` n r s more.

    Args:
        spectrum: of the training features, from `decompose_features`.
        residual0: Y - f0 on the training inputs.
        times: training times eta t, in units of 1 / kernel; infinity: trained for ever.
        ridges: penalties on ½||w - w0||², in units of the kernel.
        groups: number of the group of each sample; None: each by itself.
        nodes: of the quadrature in time.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import decompose_features, primal_leave_one_out
        >>> z = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
        >>> left_out = primal_leave_one_out(decompose_features(z), np.array([[0.0], [1.0], [5.0]]))
        >>> left_out[0, 0, :, 0].round(3)  # from lines through the other two
        array([ 3. , -1.5,  3. ])

    Raises:
        InputError: residuals or groups that do not go with the features, negative times or ridges.
    """
    times, ridges = check_grid(times, ridges)
    r0 = _columns(spectrum, residual0)
    held = _Held(spectrum, r0, _groups(groups, len(r0)))
    points, weights = contour(nodes)
    result = np.empty((len(times), len(ridges), *r0.shape))
    for i, time in enumerate(times):
        for j, ridge in enumerate(ridges):
            if time == 0:
                result[i, j] = r0
            elif not np.isinf(time):  # (1 / 2 pi i) ∫ e^z F(ridge + z / t) dz / z
                result[i, j] = held.along(ridge + points / time, weights)
            else:
                result[i, j] = np.real(held.out(complex(ridge))) if ridge > 0 else held.out_singular()
    return result


class _Held:
    """Leave-one-out at a complex ridge zeta, for one spectrum and one residual."""

    def __init__(self, spectrum: PrimalSpectrum, r0: np.ndarray, groups: list[np.ndarray] | None) -> None:
        self.values, self.left, self.groups, self.r0 = spectrum.eigenvalues, spectrum.left, groups, r0
        self.projected = self.left.T @ r0
        self.rounding = 32 * len(r0) * np.finfo(np.float64).eps
        self.complete = self.left.shape[1] == len(r0)
        # What no direction reaches: r0 - U Uᵀ r0 and 1 - [U Uᵀ]_ii, exactly 0 where U is square.
        self.rest = np.zeros_like(r0) if self.complete else r0 - self.left @ self.projected
        self.squares = self.left**2
        free = np.zeros(len(r0)) if self.complete else 1 - self.squares.sum(1)
        self.free = np.where(free > self.rounding, free, 0.0)

    def out(self, zeta: complex) -> Complex[np.ndarray, "n C"]:
        kept = zeta / (self.values + zeta)  # 1 - h
        left = self.rest + self._times(self.left, kept[:, None] * self.projected)
        if self.groups is None:
            return left / (self.free + self._times(self.squares, kept))[:, None]
        held = np.empty_like(left)
        for rows in self.groups:
            u = self.left[rows]
            null = np.zeros((len(rows), len(rows))) if self.complete else np.eye(len(rows)) - u @ u.T
            block = null + self._times(u, kept[:, None] * u.T)
            held[rows] = np.linalg.solve(block, left[rows])
        return held

    def along(self, zetas: Complex[np.ndarray, " z"], weights: Complex[np.ndarray, " z"]) -> Float[np.ndarray, "n C"]:
        """The real part of sum_z weight_z out(zeta_z); of single samples all nodes in one matrix product."""
        if self.groups is not None:
            values = (weight * self.out(zeta) for zeta, weight in zip(zetas, weights, strict=True))
            return np.real(sum(values, np.zeros(self.r0.shape, complex)))
        kept = zetas / (self.values[:, None] + zetas)  # (r, z)
        n_outputs = self.r0.shape[1]
        scaled = (kept[:, :, None] * self.projected[:, None, :]).reshape(len(kept), -1)
        left = self._times(self.left, scaled).reshape(len(self.r0), len(zetas), n_outputs) + self.rest[:, None]
        return np.real(np.einsum("nzc,nz->nc", left, weights / (self.free[:, None] + self._times(self.squares, kept))))

    def out_singular(self) -> Float[np.ndarray, "n C"]:
        """The limit zeta -> 0. Where the null space reaches a sample it decides, elsewhere the pseudo-inverse."""
        inverse = 1 / self.values
        pseudo = self.left @ (inverse[:, None] * self.projected)
        if self.groups is None:
            decided = self.free[:, None] > 0
            others = (self.squares @ inverse)[:, None]
            ratios = np.divide(self.rest, self.free[:, None], out=np.zeros_like(self.rest), where=decided)
            return np.where(decided, ratios, pseudo / others)
        held = np.empty_like(self.r0)
        for rows in self.groups:
            u = self.left[rows]
            weights, basis = np.linalg.eigh(np.eye(len(rows)) - u @ u.T)
            decided = (weights > self.rounding) & (not self.complete)
            range_p, kernel_p = basis[:, decided], basis[:, ~decided]
            x = range_p @ ((range_p.T @ self.rest[rows]) / weights[decided, None])
            block = (u * inverse) @ u.T
            x += kernel_p @ np.linalg.solve(kernel_p.T @ block @ kernel_p, kernel_p.T @ (pseudo[rows] - block @ x))
            held[rows] = x
        return held

    @staticmethod
    def _times(matrix: np.ndarray, values: np.ndarray) -> np.ndarray:
        """A real matrix times complex values, as one real product."""
        columns = values.reshape(len(values), -1)
        real = matrix @ np.concatenate([np.real(columns), np.imag(columns)], axis=1)
        half = columns.shape[1]
        return (real[:, :half] + 1j * real[:, half:]).reshape(len(matrix), *values.shape[1:])


def _fitted_fraction(
    spectrum: PrimalSpectrum, times: Float[np.ndarray, " T"], ridges: Float[np.ndarray, " R"]
) -> Float[np.ndarray, "T R r"]:
    """(1 - exp(-x eta t)) / x for x = lambda + ridge > 0."""
    rate = spectrum.eigenvalues + ridges[:, None]
    with np.errstate(over="ignore"):
        return -np.expm1(-rate * times[:, None, None]) / rate


def _columns(spectrum: PrimalSpectrum, residual0: Array) -> Float[np.ndarray, "n C"]:
    r0 = np.asarray(residual0, np.float64)
    if r0.ndim != 2 or len(r0) != len(spectrum.left):
        raise InputError(f"targets: shape {r0.shape} does not go with features of {len(spectrum.left)} samples.")
    if not np.isfinite(r0).all():
        raise InputError("targets: hold NaN or infinite values.")
    return r0


def _groups(groups: Array | None, n: int) -> list[np.ndarray] | None:
    if groups is None:
        return None
    numbers = np.asarray(groups)
    if numbers.shape != (n,) or len(np.unique(numbers)) < 2:
        raise InputError("groups: give one number a sample, at least two different ones.")
    return [np.flatnonzero(numbers == number) for number in np.unique(numbers)]
