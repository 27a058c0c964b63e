"""Held-out prediction without held-out data: leave-one-out at every (time, ridge), exact.

Ridge regression (infinite time): the residual at i of the model refitted without i is
    r_loo,i = [A⁻¹ r0]_i / [A⁻¹]_ii,   A = Theta + ridge I.
Gradient flow at finite time. The dual flow is alpha' = -A alpha + r0, alpha(0) = 0, in the time eta t. To
leave out i is to keep alpha_i(t) = 0, which a force u(t) on coordinate i does:
    alpha' = -A alpha + r0 - u e_i.
Row i of that reads u = r0_i - [A alpha]_i = Y_i - f_t(x_i): the force is the leave-one-out residual itself.
Laplace-transformed, alpha = (sI + A)⁻¹ (r0 / s - u e_i), and alpha_i = 0 gives
    L[r_loo,i](s) = (1/s) [(sI + A)⁻¹ r0]_i / [(sI + A)⁻¹]_ii:
leave-one-out along gradient flow is the inverse Laplace transform of leave-one-out ridge regression at the
complex ridge `ridge + s`, over s. Its singularities lie on the negative real axis (0 and minus the
eigenvalues of principal sub-matrices), where the midpoint rule on a cotangent contour converges as 3.89^-N in
N nodes (Weideman 2006, SIAM J. Numer. Anal. 44, doi 10.1137/050625837; Talbot 1979). With blocks in place of
i the same leaves out groups of rows.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Complex, Float, Int

from lin_ft.errors import InputError
from lin_ft.predict.gradient_flow import check_grid, predict_logits
from lin_ft.predict.spectrum import Spectrum, columns, decompose
from lin_ft.typing import Array

NODES = 12
"""Nodes in the upper half plane, 24 in all: error 1e-14. Fewer truncate, more lose to rounding."""


def leave_one_out(
    spectrum: Spectrum,
    residual0: Float[Array, "n C"],
    times: Sequence[float] | Array = (np.inf,),
    ridges: Sequence[float] | Array = (0.0,),
    *,
    nodes: int = NODES,
) -> Float[np.ndarray, "T R n C"]:
    """Residual Y_i - f_i of each sample under the model trained without it, for every time (eta t) and ridge.

    Of a full kernel all C rows of a sample are left out together. At infinite time and ridge 0 of a singular
    kernel the limit of long times is taken, which is the minimum-norm (pseudo-inverse) refit. NumPy
    equivalent at infinite time: `np.linalg.solve(A, residual0) / np.diag(np.linalg.inv(A))[:, None]`.
    Accuracy, relative to the largest residual: a few 1e-14, and n eps lambda_max / (ridge + 1 / eta t), which is the
    conditioning of the problem; measured against refits 1e-14 at eta t lambda_max <= 1e3, 1e-10 at 1e6, and 5e-9 at
    infinite time and ridge 0 where lambda_max / lambda_min is 1e8. An exact null space amplifies nothing.
    Cost: 4 `nodes` n² (C + 1) FLOPs a grid point, and 16 `nodes` n C bytes; of a full kernel 8 `nodes` n² C²
    (C + 1).

    Raises:
        InputError: residuals that do not go with the kernel or are not finite, negative times or ridges.
    """
    m = len(spectrum.eigenvalues)
    rows_each = 1 if len(columns(residual0, m)) == len(residual0) else np.shape(residual0)[1]
    return leave_groups_out(spectrum, residual0, np.arange(m).reshape(-1, rows_each), times, ridges, nodes=nodes)


def leave_groups_out(
    spectrum: Spectrum,
    residual0: Float[Array, "n C"],
    groups: Sequence[np.ndarray] | Int[np.ndarray, "groups size"],
    times: Sequence[float] | Array = (np.inf,),
    ridges: Sequence[float] | Array = (0.0,),
    *,
    nodes: int = NODES,
) -> Float[np.ndarray, "T R n C"]:
    """`leave_one_out` of whole groups of kernel rows; rows in no group are NaN.

    Sample i of a full kernel has rows i C .. i C + C - 1. At long times of a singular kernel groups lose more
    to rounding than single rows: eps lambda_max eta t, where ridge is 0.
    Cost: 8 `nodes` m² s FLOPs a grid point for groups of s rows. With large groups and grids `k_fold`, which
    refits, is cheaper.

    Raises:
        InputError: a row in two groups or outside the kernel, and what `leave_one_out` raises.
    """
    times, ridges = check_grid(times, ridges)
    r0 = columns(residual0, len(spectrum.eigenvalues))
    rows, times_used = np.unique(np.concatenate([np.ravel(group) for group in groups]), return_counts=True)
    if rows[0] < 0 or rows[-1] >= len(r0) or times_used.max() > 1:
        raise InputError(f"groups: each row, 0 .. {len(r0) - 1}, may be in one group only.")
    result = np.empty((len(times), len(ridges), *r0.shape))
    points, weights = _contour(nodes)
    vectors = _without_stray_null(spectrum)
    for i, time in enumerate(times):
        for j, ridge in enumerate(ridges):
            if time == 0:
                result[i, j] = r0
            elif not np.isinf(time):
                # (1 / 2 pi i) ∫ e^z F(ridge + z / t) dz / z
                held_out = _held_out(spectrum, vectors, r0, groups, ridge + points / time)
                result[i, j] = np.real(np.tensordot(weights, held_out, 1))
            elif ridge > 0 or spectrum.eigenvalues[0] > 0:
                result[i, j] = _held_out(spectrum, vectors, r0, groups, np.array([ridge + 0j]))[0].real
            else:
                result[i, j] = _held_out_singular(spectrum, vectors, r0, groups)
    result[:, :, np.setdiff1d(np.arange(len(r0)), rows)] = np.nan
    return result.reshape(*result.shape[:2], *np.shape(residual0))


def _held_out(
    spectrum: Spectrum,
    vectors: Float[np.ndarray, "m m"],
    r0: Float[np.ndarray, "m k"],
    groups: Sequence[np.ndarray] | np.ndarray,
    shifts: Complex[np.ndarray, " z"],
) -> Complex[np.ndarray, "z m k"]:
    """([(Theta + z)⁻¹]_gg)⁻¹ [(Theta + z)⁻¹ r0]_g for each group g of rows, at each shift z."""
    largest, m = spectrum.eigenvalues[-1], len(r0)
    # The factor drops out; it keeps long times from overflowing.
    inverse = (np.abs(shifts[:, None]) + largest) / (spectrum.eigenvalues + shifts[:, None])
    parts = np.stack([inverse.real, inverse.imag])  # one real matrix product instead of a complex one

    def along_nodes(matrix: np.ndarray, values: np.ndarray) -> np.ndarray:
        """matrix @ (inverse * values) at every node, (z, m, k)."""
        scaled = parts.transpose(2, 0, 1)[..., None] * values[:, None, None, :]
        product = (matrix @ scaled.reshape(m, -1)).reshape(m, *scaled.shape[1:])
        return (product[:, 0] + 1j * product[:, 1]).transpose(1, 0, 2)

    alpha = along_nodes(vectors, spectrum.eigenvectors.T @ r0)
    if _singletons(groups):
        return alpha / along_nodes(vectors**2, np.ones((m, 1)))
    held_out = np.full_like(alpha, np.nan)
    for rows in groups:
        block = (vectors[rows] * inverse[:, None, :]) @ vectors[rows].T
        held_out[:, rows] = np.linalg.solve(block, alpha[:, rows])
    return held_out


def _held_out_singular(
    spectrum: Spectrum,
    vectors: Float[np.ndarray, "m m"],
    r0: Float[np.ndarray, "m k"],
    groups: Sequence[np.ndarray] | np.ndarray,
) -> Float[np.ndarray, "m k"]:
    """The limit of `_held_out` for z -> 0 of a singular kernel: the projector P on its null space outweighs.

    With Theta⁺ the pseudo-inverse, ([P]_gg / z + [Theta⁺]_gg) x = [P r0]_g / z + [Theta⁺ r0]_g as z -> 0: the
    range of [P]_gg is decided by P, the rest, where P vanishes, by Theta⁺.
    """
    null = spectrum.eigenvalues == 0
    project, rest = vectors[:, null], vectors[:, ~null]
    inverse = 1 / spectrum.eigenvalues[~null]
    along_p = project @ (spectrum.eigenvectors[:, null].T @ r0)
    along_rest = rest @ (inverse[:, None] * (spectrum.eigenvectors[:, ~null].T @ r0))
    held_out = np.full_like(r0, np.nan)
    for rows in groups:
        weights, basis = np.linalg.eigh(project[rows] @ project[rows].T)
        decided = weights > len(r0) * np.finfo(np.float64).eps
        range_p, kernel_p = basis[:, decided], basis[:, ~decided]
        x = range_p @ ((range_p.T @ along_p[rows]) / weights[decided, None])
        pseudo = (rest[rows] * inverse) @ rest[rows].T
        x += kernel_p @ np.linalg.solve(kernel_p.T @ pseudo @ kernel_p, kernel_p.T @ (along_rest[rows] - pseudo @ x))
        held_out[rows] = x
    return held_out


def _without_stray_null(spectrum: Spectrum) -> Float[np.ndarray, "m m"]:
    """The eigenvectors, less the null-space part of rows where that is rounding: 1 / z blows it up."""
    null = spectrum.eigenvalues == 0
    vectors = spectrum.eigenvectors.copy()
    stray = np.linalg.norm(vectors[:, null], axis=1) <= len(vectors) * np.finfo(np.float64).eps
    vectors[np.ix_(stray, null)] = 0.0
    return vectors


def _singletons(groups: Sequence[np.ndarray] | np.ndarray) -> bool:
    return isinstance(groups, np.ndarray) and np.array_equal(groups, np.arange(len(groups))[:, None])


def _contour(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Points z = s t of the cotangent contour in the upper half plane, and weights e^z dz / (z pi i)."""
    total = 2 * nodes
    theta = (2 * np.arange(nodes) + 1) * np.pi / total
    z = total * (0.5017 * theta / np.tan(0.6407 * theta) - 0.6122 + 0.2645j * theta)
    slope = 0.5017 / np.tan(0.6407 * theta) - 0.5017 * 0.6407 * theta / np.sin(0.6407 * theta) ** 2 + 0.2645j
    # (1 / 2 pi i) ∫ e^z dz / z by the midpoint rule, dz = total z'(theta) 2 pi / total, twice: conjugates
    return z, 2 * np.exp(z) * slope / z / 1j


def leave_one_out_by_refit(
    kernel: Array, residual0: Float[Array, "n C"], time: float = np.inf, ridge: float = 0.0
) -> Float[np.ndarray, "n C"]:
    """The slow, obvious twin: n refits, each predicting the sample left out. Cost: n decompositions."""
    theta, r0 = np.asarray(kernel, np.float64), np.asarray(residual0, np.float64)
    residuals = np.empty_like(r0)
    for i in range(len(r0)):
        kept = np.delete(np.arange(len(r0)), i)
        spectrum = decompose(theta[kept].take(kept, axis=theta.ndim // 2))
        cross = theta[[i]].take(kept, axis=theta.ndim // 2)
        residuals[i] = r0[i] - predict_logits(spectrum, cross, r0[kept], (time,), (ridge,))[0, 0, 0]
    return residuals
