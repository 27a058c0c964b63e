"""Leaving out groups of samples at once, one image of each class, say: exact, and from one decomposition.

With g the rows of a group, the residual there of the model trained without them is the inverse Laplace transform over s
of (1/s) ([(sI + A)⁻¹]_gg)⁻¹ [(sI + A)⁻¹ r0]_g (`lin_ft.predict.leave_one_out`). A block of the inverse at all nodes of
all times and ridges is one matrix product, [V_ik V_jk]_(i <= j in g, k) [1 / (lambda_k + z)]_(k, z).
"""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Complex, Float, Int

from lin_ft.errors import InputError
from lin_ft.predict.gradient_flow import check_grid
from lin_ft.predict.spectrum import Spectrum, columns
from lin_ft.typing import Array

NODES = 12
"""Nodes in the upper half plane, 24 in all: error 1e-14. Fewer truncate, more lose to rounding."""
AT_ONCE = 2**25
"""Bytes of resolvents, and of products of eigenvectors, held at a time."""


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
    Cost: 4 `nodes` m² k FLOPs a grid point, and 2 `nodes` m s² (m / s + s) more for groups of s rows. `k_fold`, which
    refits, is cheaper for large groups and grids.

    Args:
        spectrum: of the training kernel, from `decompose`.
        residual0: Y - f0 on the training inputs.
        groups: indices of the kernel rows that are left out together.
        times: training times eta t, in units of 1 / kernel; infinity: trained for ever.
        ridges: penalties on ½||w - w0||², in units of the kernel.
        nodes: of the quadrature in time.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import decompose, k_fold, leave_groups_out
        >>> x = np.arange(4.0)[:, None]
        >>> kernel, residual = x @ x.T + np.eye(4), 2 * x
        >>> fast = leave_groups_out(decompose(kernel), residual, np.array([[0, 1], [2, 3]]), ridges=[0.1])
        >>> bool(np.allclose(fast, k_fold(kernel, residual, np.array([0, 0, 1, 1]), ridges=[0.1])))
        True

    Raises:
        InputError: a row in two groups or outside the kernel, and what `leave_one_out` raises.
    """
    (result,) = leave_partitions_out(spectrum, residual0, [groups], times, ridges, nodes=nodes)
    return result


def leave_folds_out(
    spectrum: Spectrum,
    residual0: Float[Array, "n C"],
    folds: Int[Array, "M n"],
    times: Sequence[float] | Array = (np.inf,),
    ridges: Sequence[float] | Array = (0.0,),
) -> Float[np.ndarray, "M T R n C"]:
    """Residual of each sample under the model trained without its fold, for M ways to number the folds.

    With `matchings`, one image of each class is left out at a time: unlike `leave_one_out` the classes stay as frequent
    as they were. The slow twin is `k_fold`. Cost: that of `leave_groups_out`, its first part once for all M.

    Args:
        spectrum: of the training kernel, from `decompose`.
        residual0: Y - f0 on the training inputs.
        folds: number of the fold of each sample, one row for each way.
        times: training times eta t, in units of 1 / kernel; infinity: trained for ever.
        ridges: penalties on ½||w - w0||², in units of the kernel.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import decompose, leave_folds_out, matchings
        >>> x, labels = np.arange(6.0)[:, None], np.array([0, 0, 0, 1, 1, 1])
        >>> targets = np.eye(2)[labels] - 0.5
        >>> leave_folds_out(decompose(x @ x.T + np.eye(6)), targets, matchings(labels, 5), times=[1.0]).shape
        (5, 1, 1, 6, 2)
    """
    folds = np.asarray(folds)
    n = np.shape(residual0)[0]
    if folds.ndim != 2 or folds.shape[1] != n or min(len(np.unique(row)) for row in folds) < 2:
        raise InputError("folds: give rows of one fold number a sample, at least two different ones in each.")
    rows = np.arange(len(spectrum.eigenvalues)).reshape(n, -1)
    partitions = [[rows[row == fold].ravel() for fold in np.unique(row)] for row in folds]
    return leave_partitions_out(spectrum, residual0, partitions, times, ridges)


def leave_partitions_out(
    spectrum: Spectrum,
    residual0: Float[Array, "n C"],
    partitions: Sequence[Sequence[np.ndarray] | Int[np.ndarray, "groups size"]],
    times: Sequence[float] | Array,
    ridges: Sequence[float] | Array,
    *,
    nodes: int = NODES,
) -> Float[np.ndarray, "M T R n C"]:
    """`leave_groups_out` for each partition of rows into groups."""
    times, ridges = check_grid(times, ridges)
    r0 = columns(residual0, len(spectrum.eigenvalues))
    for groups in partitions:
        _check(groups, len(r0))
    result = np.full((len(partitions), len(times) * len(ridges), *r0.shape), np.nan)
    singular = spectrum.eigenvalues[0] <= 0
    points, weights = contour(nodes)
    vectors = _without_stray_null(spectrum)
    shifts: list[tuple[int, np.ndarray, np.ndarray]] = []  # (grid point, ridges to solve at, weights of the sum)
    for place, (time, ridge) in enumerate((time, ridge) for time in times for ridge in ridges):
        if time == 0:
            for number, groups in enumerate(partitions):
                held = np.concatenate([np.ravel(group) for group in groups])
                result[number, place, held] = r0[held]
        elif not np.isinf(time):  # (1 / 2 pi i) ∫ e^z F(ridge + z / t) dz / z
            shifts.append((place, ridge + points / time, weights))
        elif ridge > 0 or not singular:
            shifts.append((place, np.array([ridge + 0j]), np.ones(1)))
        else:
            for number, groups in enumerate(partitions):
                result[number, place] = _held_out_singular(spectrum, vectors, r0, groups)
    at_once = max(1, AT_ONCE // (16 * r0.size * nodes))
    for start in range(0, len(shifts), at_once):
        some = shifts[start : start + at_once]
        inverse = _resolvent(spectrum, np.concatenate([at for _, at, _ in some]))
        alpha = _along(vectors, inverse, spectrum.eigenvectors.T @ r0)
        for number, groups in enumerate(partitions):
            held_out = _held_out(vectors, inverse, alpha, groups)
            first = 0
            for place, at, weight in some:
                result[number, place] = np.real(np.tensordot(weight, held_out[first : first + len(at)], 1))
                first += len(at)
    return result.reshape(len(partitions), len(times), len(ridges), *np.shape(residual0))


def _check(groups: Sequence[np.ndarray] | np.ndarray, n_rows: int) -> None:
    rows, times_used = np.unique(np.concatenate([np.ravel(group) for group in groups]), return_counts=True)
    if rows[0] < 0 or rows[-1] >= n_rows or times_used.max() > 1:
        raise InputError(f"groups: each row, 0 .. {n_rows - 1}, may be in one group only.")


def _resolvent(spectrum: Spectrum, shifts: Complex[np.ndarray, " z"]) -> Complex[np.ndarray, "z m"]:
    """1 / (lambda + z), times a factor that drops out and keeps long times from overflowing."""
    return (np.abs(shifts[:, None]) + spectrum.eigenvalues[-1]) / (spectrum.eigenvalues + shifts[:, None])


def _held_out(
    vectors: Float[np.ndarray, "m m"],
    inverse: Complex[np.ndarray, "z m"],
    alpha: Complex[np.ndarray, "z m k"],
    groups: Sequence[np.ndarray] | np.ndarray,
) -> Complex[np.ndarray, "z m k"]:
    """([(Theta + z)⁻¹]_gg)⁻¹ [(Theta + z)⁻¹ r0]_g for each group g of rows, at each shift z; NaN in no group."""
    if isinstance(groups, np.ndarray) and np.array_equal(groups, np.arange(len(vectors))[:, None]):
        return alpha / _along(vectors**2, inverse, np.ones((len(vectors), 1)))
    held_out = np.full_like(alpha, np.nan)
    for rows in groups:
        held_out[:, rows] = np.linalg.solve(_blocks(vectors[rows], inverse), alpha[:, rows])
    return held_out


def _along(
    vectors: Float[np.ndarray, "m m"], inverse: Complex[np.ndarray, "z m"], values: Float[np.ndarray, "m k"]
) -> Complex[np.ndarray, "z m k"]:
    """(Theta + z)⁻¹ r0 at every shift z, as two real products."""
    parts = np.stack([np.real(inverse), np.imag(inverse)])
    scaled = parts.transpose(2, 0, 1)[..., None] * values[:, None, None, :]
    product = (vectors @ scaled.reshape(len(vectors), -1)).reshape(scaled.shape)
    return (product[:, 0] + 1j * product[:, 1]).transpose(1, 0, 2)


def _blocks(vectors: Float[np.ndarray, "s m"], inverse: Complex[np.ndarray, "z m"]) -> Complex[np.ndarray, "z s s"]:
    """[(Theta + z)⁻¹]_gg at every shift z, from the rows g of the eigenvectors."""
    s, m = vectors.shape
    result = np.empty((len(inverse), s, s), complex)
    for i, j in _pairs(s, max(1, AT_ONCE // (8 * m))):
        products = vectors[i] * vectors[j]
        values = products @ np.real(inverse).T + 1j * (products @ np.imag(inverse).T)
        result[:, i, j] = result[:, j, i] = values.T
    return result


def _pairs(s: int, at_once: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    i, j = np.triu_indices(s)
    for start in range(0, len(i), at_once):
        yield i[start : start + at_once], j[start : start + at_once]


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


def contour(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Points z = s t of the cotangent contour in the upper half plane, and weights e^z dz / (z pi i)."""
    total = 2 * nodes
    theta = (2 * np.arange(nodes) + 1) * np.pi / total
    z = total * (0.5017 * theta / np.tan(0.6407 * theta) - 0.6122 + 0.2645j * theta)
    slope = 0.5017 / np.tan(0.6407 * theta) - 0.5017 * 0.6407 * theta / np.sin(0.6407 * theta) ** 2 + 0.2645j
    # (1 / 2 pi i) ∫ e^z dz / z by the midpoint rule, dz = total z'(theta) 2 pi / total, twice: conjugates
    return z, 2 * np.exp(z) * slope / z / 1j
