# pyright: reportMissingTypeStubs=false, reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
"""The regularised linear discriminant that SFDA, PED and ETran rest on."""

import dataclasses

import numpy as np
from jaxtyping import Float

from lin_ft.scores.inputs import Classes, Matrix, class_means, labelled, within
from lin_ft.typing import Array


@dataclasses.dataclass(frozen=True, eq=False)
class Discriminant:
    """Posteriors softmax_c(x·w_c - ½ mu_c·w_c + log pi_c), w_c = S⁻¹ mu_c, S = (1 - l) S_W + l (tr S_W / d) I."""

    weights: Float[np.ndarray, "C d"]
    means: Float[np.ndarray, "C d"]
    priors: Float[np.ndarray, " C"]

    def posteriors(self, x: Matrix) -> Float[np.ndarray, "n C"]:
        """Probability of every class for each row of x; rows add up to 1."""
        offset = np.log(self.priors) - 0.5 * np.sum(self.means * self.weights, axis=1)
        return softmax(x @ self.weights.T + offset)


def discriminant(x: Matrix, y: Classes, shrinkage: float, width: int | None = None) -> Discriminant:
    """Fit to centred x; `width` is the number of features d when x are coordinates in a smaller space.

    The generalised eigenvectors U of (S_T - S, S) satisfy U Uᵀ = S⁻¹, so one Cholesky factor replaces them.
    """
    import scipy.linalg

    means, counts = class_means(x, y)
    residuals = x - means[y]
    scatter = residuals.T @ residuals / len(y)
    mean_variance = np.trace(scatter) / (width or x.shape[1])
    # Classes that have collapsed to points, or constant features: keep S invertible.
    floor = np.finfo(np.float64).eps * max(float(np.mean(x**2)), np.finfo(np.float64).tiny ** 0.5)
    system = (1 - shrinkage) * scatter
    system[np.diag_indices_from(system)] += max(shrinkage * mean_variance, floor)
    return Discriminant(scipy.linalg.solve(system, means.T, assume_a="pos").T, means, counts / len(y))


def adaptive_shrinkage(x: Matrix, y: Classes, *, published: bool = False) -> float:
    """l = max(exp(-5 sigma_1(S_W)), 1e-10), sigma_1 the largest eigenvalue; `published`: by few power iterations."""
    residuals = within(x, y)
    n, d = residuals.shape
    if published:
        return max(float(np.exp(-5 * _few_products(residuals))), 1e-10)
    gram = (residuals.T @ residuals if d <= n else residuals @ residuals.T) / n
    return max(float(np.exp(-5 * largest_eigenvalue(gram))), 1e-10)


def _few_products(residuals: Matrix) -> float:
    """uᵀ S_W v, u and v the unit vectors along S_W⁷ 1 and S_W⁶ 1: the authors' estimate of sigma_1.

    Of the features as they are, not of coordinates: the start 1 depends on the basis.
    """
    u = v = np.ones(residuals.shape[1])
    for _ in range(7):
        u, v = residuals.T @ (residuals @ u) / len(residuals), u
        norm = float(np.linalg.norm(u))
        u = u / norm if norm > 0 else u
    return float((residuals @ u) @ (residuals @ v)) / len(residuals)


def largest_eigenvalue(gram: Float[np.ndarray, "m m"]) -> float:
    """sigma_1 of a positive semi-definite matrix; by Lanczos, to rounding, where the matrix is not small."""
    from scipy.sparse.linalg import eigsh

    if len(gram) < 200 or not gram.any():
        return float(max(np.linalg.eigvalsh(gram)[-1], 0))
    start = np.random.default_rng(0).normal(size=len(gram))
    return float(max(eigsh(gram, k=1, v0=start, return_eigenvectors=False)[0], 0))


@dataclasses.dataclass(frozen=True, eq=False)
class Fitted:
    """The discriminant that SFDA and ETran start from: centred features (or coordinates), its l and its posteriors."""

    x: Float[np.ndarray, "n r"]
    shrinkage: float
    posteriors: Float[np.ndarray, "n C"]


def fitted_discriminant(features: Array, labels: Array, *, published: bool = False) -> Fitted:
    """Fit with the adaptive shrinkage. Cost: one Gram matrix and one Cholesky factor of side min(n, d)."""
    phi, y = labelled(features, labels)
    x = compact(phi - phi.mean(0))
    shrinkage = adaptive_shrinkage(phi if published else x, y, published=published)
    return Fitted(x, shrinkage, discriminant(x, y, shrinkage, phi.shape[1]).posteriors(x))


def compact(x: Matrix) -> Matrix:
    """Coordinates of the rows in their own span where there are far fewer rows than columns: inner products stay."""
    return x if x.shape[1] <= 2 * x.shape[0] else np.asarray(np.linalg.qr(x.T, mode="r")).T


def softmax(logits: Matrix) -> Matrix:
    """exp(z_c) / sum over c, of every row, without overflow."""
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)
