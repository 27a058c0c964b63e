# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
"""LogME: the maximum log evidence of a Bayesian linear model from features to labels, or to regression targets."""

import warnings

import numpy as np
from jaxtyping import Bool, Float, Int

from lin_ft.errors import InputError
from lin_ft.scores.factor import COST_OF_SVD, ThinSVD, thin_svd
from lin_ft.scores.inputs import Matrix, labelled, matrix, one_hot
from lin_ft.scores.score import Score, ScoreWarning
from lin_ft.typing import Array


def logme(
    features: Float[Array, "n d"], labels: Array, *, svd: ThinSVD | None = None, steps: int | None = None
) -> float:
    """Mean over classes of max_{a,b} log N(y_c; 0, I/b + F Fᵀ/a) / n, y_c the 1/0 indicator of class c.

    You et al., ICML 2021 (arXiv 2102.11005) and JMLR 2022: with m = b A⁻¹ Fᵀy and A = aI + b FᵀF this is
    (d/2) log a + (n/2) log b - ½ log det A - (b/2)||Fm - y||² - (a/2) mᵀm - (n/2) log 2 pi, over n.
    Range (-inf, inf), higher is better; features are not centred. Cost: one thin decomposition and O(min(n, d) C).
    `svd`: of the centred features, if at hand; their mean enters as a change of rank one. `steps`: stop after so many
    MacKay steps from a = b = 1, with the published guards of 1e-5, for comparison with the published code (11 steps,
    or a change of a/b below 0.1 %); by default the maximum itself is found.
    Published defect: the default solver (fixed point) leaves out ½ (d - n) log a of log det A where n < d.
    The evidence has no bound where F fits y without error in fewer directions than samples. If that is so because
    samples are repeated (n < d, one image twice), each is counted once; else, as for classes that are single points,
    the noise is held at 1/1000 of the root mean square of y. A ScoreWarning says which.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import logme
        >>> rng, labels = np.random.default_rng(0), np.arange(40) % 2
        >>> noise = rng.normal(size=(40, 4))
        >>> logme(noise + 3 * labels[:, None], labels) > logme(noise, labels)
        True

    Raises:
        InputError: bad features or labels.
    """
    phi, y = labelled(features, labels)
    return _evidence(phi, one_hot(y), svd, steps)


def logme_regression(
    features: Float[Array, "n d"], values: Array, *, svd: ThinSVD | None = None, steps: int | None = None
) -> float:
    """The same with regression targets, (n,) or (n, k), as y: mean over columns of the maximum log evidence over n.

    You et al., ICML 2021 (regression). Range (-inf, inf), higher is better; targets are neither centred nor scaled.
    Cost: as `logme`, with k columns.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import logme_regression
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(40, 3))
        >>> linear = x @ np.array([1.0, -2.0, 0.5]) + 0.1 * rng.normal(size=40)
        >>> logme_regression(x, linear) > logme_regression(x, rng.permutation(linear))
        True

    Raises:
        InputError: features or targets that are not finite or of different samples.
    """
    phi = matrix(features)
    return _evidence(phi, regression_targets(values, len(phi)), svd, steps)


def regression_targets(values: Array, n: int) -> Matrix:
    """Targets as float64 columns, (n, k).

    Raises:
        InputError: another number of samples, NaN.
    """
    array = np.asarray(values)
    targets = matrix(array[:, None] if array.ndim == 1 else array, "regression targets")
    if len(targets) != n:
        raise InputError(f"regression targets: {len(targets)} rows, but there are {n} samples.")
    return targets


def _evidence(phi: Matrix, targets: Matrix, svd: ThinSVD | None, steps: int | None) -> float:
    if steps is not None:
        return _stopped(phi, targets, steps)
    total = np.sum(targets**2, axis=0)
    if not phi.any():  # y ~ N(0, I/b)
        error = np.maximum(total, np.finfo(np.float64).tiny) / len(phi)
        return float(np.mean(-0.5 * (np.log(error) + 1 + np.log(2 * np.pi))))
    profile = _Profile(phi, targets, thin_svd(phi) if svd is None else svd)
    values, free = profile.maximum(), profile.unbounded
    if free.any():
        values[free] = _bounded(phi, targets[:, free], profile.rounding)
    return float(np.mean(values))


def _bounded(phi: Matrix, targets: Matrix, rounding: float) -> Float[np.ndarray, " C"]:
    """The columns of y that F fits without error in fewer directions than samples."""
    kept = _first_of_each(np.hstack([phi, targets * 2 * np.abs(phi).max()]), rounding)
    n, points = len(phi), len(np.unique(targets, axis=0)) == len(kept) <= targets.shape[1] + 1  # every class is one
    if len(kept) < n and not points:
        warnings.warn(f"LogME: {n - len(kept)} of {n} samples are repeated; each is counted once", ScoreWarning, 2)
        phi, targets = phi[kept], targets[kept]
        profile = _Profile(phi, targets, thin_svd(phi))
        if not profile.unbounded.any():
            return profile.maximum()
    warnings.warn(
        f"LogME: the features fit {targets.shape[1]} targets without error; their noise is held at 1/1000 of their"
        " root mean square",
        ScoreWarning,
        stacklevel=2,
    )
    return _Profile(phi, targets, thin_svd(phi), least_noise=1e-3).maximum()


def _first_of_each(rows: Matrix, rounding: float) -> Int[np.ndarray, " m"]:
    """Positions of the first of every group of rows that are equal to rounding."""
    along = rows @ np.random.default_rng(0).normal(size=rows.shape[1])
    order = np.argsort(along, kind="stable")
    new = np.r_[True, np.linalg.norm(np.diff(rows[order], axis=0), axis=1) > rounding]
    first = np.full(int(new.sum()), len(rows))
    np.minimum.at(first, np.cumsum(new) - 1, order)
    return np.sort(first)


class _Profile:
    """The log evidence over n at t = a/b for every column of `targets`, b = n / e(t) at its best.

    e(t) = yᵀ(I + F Fᵀ/t)⁻¹ y. With F = U s Vᵀ + 1 muᵀ, F Fᵀ is an arrow in the basis [U, 1/√n]: the diagonal s²
    bordered by √n s (Vᵀmu), with n ||mu||² at its tip. Its Schur complement loses no digits.
    """

    def __init__(self, phi: Matrix, targets: Matrix, svd: ThinSVD, least_noise: float = 0.0):
        self.n = len(phi)
        mu = phi.mean(0)
        self.s = svd.singular[:, None]
        self.along = (svd.right.T @ mu)[:, None]  # Vᵀmu
        self.off = float(np.sum((mu - svd.right @ self.along[:, 0]) ** 2))  # ||mu||² outside the span of V
        self.z = svd.left.T @ targets
        self.ones = targets.sum(0) / np.sqrt(self.n)
        self.total = np.sum(targets**2, axis=0)
        self.outside = np.maximum(self.total - np.sum(self.z**2, axis=0) - self.ones**2, 0.0)
        self.least = np.maximum(least_noise**2 * self.total, np.finfo(np.float64).tiny)
        squares = np.append(svd.singular**2, self.n * float(mu @ mu))
        squares = squares[squares > 1e-12 * squares.max()]
        self.range = np.log(squares.min()) - 20, np.log(squares.max()) + 12
        self.rounding = float(np.sqrt(2 * max(svd.shape) * np.finfo(np.float64).eps * squares.max()))
        """Samples nearer than this are the same: the decomposition drops what tells them apart."""

    def __call__(self, log_t: Float[np.ndarray, " C"]) -> Float[np.ndarray, " C"]:
        t = np.exp(log_t)
        shrunk = 1 / (1 + self.s**2 / t)  # t / (t + s²)
        tip = 1 + self.n / t * (self.off + np.sum(self.along**2 * shrunk, axis=0))
        border = np.sqrt(self.n) / t * np.sum(self.s * self.along * self.z * shrunk, axis=0)
        error = np.sum(self.z**2 * shrunk, axis=0) + self.outside + (self.ones - border) ** 2 / tip
        log_det = np.log(tip) - np.sum(np.log(shrunk), axis=0)
        held = np.maximum(error, self.least)  # n / b
        fit = np.log(held / self.n) + error / held + np.log(2 * np.pi)
        return -0.5 * (log_det / self.n + fit)

    @property
    def unbounded(self) -> Bool[np.ndarray, " C"]:
        """Where the error vanishes at t = 0 and F has fewer directions than there are samples."""
        spans_mean = self.n * self.off > self.rounding**2 / 2  # F has a direction beside those of the centred features
        if len(self.s) + spans_mean >= self.n:
            return np.zeros(len(self.total), bool)
        error = self.outside
        if not spans_mean:
            border = np.sqrt(self.n) * np.sum(self.along / self.s * self.z, axis=0)
            error = error + (self.ones - border) ** 2 / (1 + self.n * np.sum((self.along / self.s) ** 2))
        return error <= 1e-10 * self.total

    def maximum(self) -> Float[np.ndarray, " C"]:
        """The largest value over t for every column: a grid over all scales, then golden sections around its best."""
        grid = np.linspace(*self.range, 64)
        values = np.stack([self(np.full(len(self.ones), point)) for point in grid])
        best = values.argmax(0)
        low, high = grid[np.maximum(best - 1, 0)], grid[np.minimum(best + 1, len(grid) - 1)]
        golden = (np.sqrt(5) - 1) / 2
        left, right = high - golden * (high - low), low + golden * (high - low)
        at_left, at_right = self(left), self(right)
        for _ in range(40):  # brackets shrink by 0.618 each: 1e-9 of the first
            lower = at_left > at_right
            low, high = np.where(lower, low, left), np.where(lower, right, high)
            step = golden * (high - low)
            left, right = np.where(lower, high - step, right), np.where(lower, left, low + step)
            fresh = self(np.where(lower, left, right))
            at_left, at_right = np.where(lower, fresh, at_right), np.where(lower, at_left, fresh)
        return np.maximum(np.maximum(at_left, at_right), values.max(0))


def _stopped(phi: Matrix, targets: Matrix, steps: int) -> float:
    svd = thin_svd(phi, centred=False)
    n, d = svd.shape
    s2, z2 = svd.singular**2, (svd.left.T @ targets) ** 2  # squared coordinates of y in the range of F
    outside = np.maximum(np.sum(targets**2, axis=0) - z2.sum(0), 0.0)
    return float(np.mean([_mackay(s2, z2[:, c], outside[c], n, d, steps) for c in range(targets.shape[1])]))


def _mackay(s2: np.ndarray, z2: np.ndarray, outside: float, n: int, d: int, steps: int) -> float:
    """a = g / mᵀm, b = (n - g) / ||Fm - y||², g = sum b s² / (a + b s²), from a = b = 1."""
    a = b = 1.0
    squared_m = squared_error = 0.0
    for _ in range(steps):
        t = a / b
        g = np.sum(s2 / (s2 + t))
        squared_m = np.sum(s2 * z2 / (t + s2) ** 2)
        squared_error = np.sum(z2 / (1 + s2 / t) ** 2) + outside
        a, b = g / (squared_m + 1e-5), (n - g) / (squared_error + 1e-5)
        if abs(a / b - t) <= 1e-3 * t:
            break
    log_det = np.sum(np.log(a + b * s2)) + (d - len(s2)) * np.log(a)
    fit = d * np.log(a) + n * np.log(b) - log_det - b * squared_error - a * squared_m - n * np.log(2 * np.pi)
    return float(0.5 * fit / n)


SCORES = {
    "logme": Score(
        logme,
        "mean_c max_(a,b) log N(y_c; 0, I/b + F F'/a) / n",
        "You et al., ICML 2021",
        "(-inf, inf)",
        COST_OF_SVD,
        revision=2,
    ),
    "logme_regression": Score(
        logme_regression,
        "max_(a,b) log N(y; 0, I/b + F F'/a) / n",
        "You et al., ICML 2021",
        "(-inf, inf)",
        COST_OF_SVD,
        revision=2,
    ),
}
