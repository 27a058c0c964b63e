# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
"""The first k principal components of features, in less time than their whole decomposition."""

import numpy as np
from jaxtyping import Float, Float32

from lin_ft.scores.factor import ThinSVD
from lin_ft.scores.inputs import Matrix, matrix
from lin_ft.typing import Array

STEPS = 22
"""Of block Lanczos, with blocks of k/4 vectors: a basis of 5.5 k vectors."""
RESIDUAL = 1e-5
"""Largest ||X Xᵀu - s² u|| / s² that is accepted of block Lanczos: s² is then right to about its square, 1e-10."""


def principal_components(features: Array, k: int, svd: ThinSVD | None = None) -> Float[np.ndarray, "n k"]:
    """U s of the centred features; zeros beyond their rank, min(n, d) columns if that is less than k. Signs are free.

    `svd`: of the centred features, if at hand. Where min(n, d) is 22 k or more, by block Lanczos in float32 and a
    Rayleigh-Ritz step in float64, which is kept if its residuals are small; else from the smaller Gram matrix. The
    scores of 2,000 samples are then the exact ones to 1e-6 or better.
    scikit-learn: `PCA(k).fit_transform`, which at that size is randomised and changes scores by up to a tenth.
    """
    if svd is not None:
        return svd.scores(min(k, *svd.shape))
    phi = matrix(features)
    x = phi - phi.mean(0)
    n, d = x.shape
    wide = x if n <= d else x.T
    k = min(k, n, d)
    found = _by_lanczos(wide, k) if len(wide) >= 4 * STEPS * _block(k) else None
    squares, vectors = _by_gram(wide, k) if found is None else found
    kept = squares > max(n, d) * np.finfo(np.float64).eps * max(squares[0], 0)  # the same rule as thin_svd
    return np.where(kept, vectors * np.sqrt(np.maximum(squares, 0)) if n <= d else x @ vectors, 0.0)


def _by_gram(wide: Matrix, k: int) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, "m k"]]:
    """The k largest eigenvalues of X Xᵀ, descending, and their vectors."""
    import scipy.linalg

    m = len(wide)
    squares, vectors = scipy.linalg.eigh(wide @ wide.T, subset_by_index=(m - k, m - 1))
    return squares[::-1], vectors[:, ::-1]


def _by_lanczos(wide: Matrix, k: int) -> tuple[Float[np.ndarray, " k"], Float[np.ndarray, "m k"]] | None:
    """The same by block Lanczos; None where it has not converged."""
    scale = np.abs(wide).max()
    if scale == 0:
        return None
    basis, images = _krylov((wide / scale).astype(np.float32), _block(k))
    ritz = np.linalg.eigh(images.T @ images)[1][:, -(k + _block(k)) :]
    vectors = np.linalg.qr((basis @ ritz).astype(np.float64))[0]
    images = wide.T @ vectors
    squares, ritz = np.linalg.eigh(images.T @ images)
    squares, ritz = squares[::-1][:k], ritz[:, ::-1][:, :k]
    vectors, products = vectors @ ritz, wide @ (images @ ritz)
    residuals = np.linalg.norm(products - vectors * squares, axis=0)
    return (squares, vectors) if (residuals <= RESIDUAL * squares).all() else None


def _krylov(
    wide: Float32[np.ndarray, "m d"], size: int
) -> tuple[Float32[np.ndarray, "m p"], Float32[np.ndarray, "d p"]]:
    """An orthonormal basis Q of span(B, X XᵀB, (X Xᵀ)² B, ...), B random with `size` columns, and XᵀQ."""
    block = np.random.default_rng(0).normal(size=(len(wide), size)).astype(np.float32)
    basis = np.empty((len(wide), STEPS * size), np.float32, order="F")
    images = np.empty((wide.shape[1], STEPS * size), np.float32, order="F")
    for start in range(0, basis.shape[1], size):
        for _ in range(2):  # once leaves what rounding brings back
            block -= basis[:, :start] @ (basis[:, :start].T @ block)
        basis[:, start : start + size] = block = np.linalg.qr(block)[0]
        images[:, start : start + size] = image = wide.T @ block
        block = wide @ image
    return basis, images


def _block(k: int) -> int:
    return max(1, -(-k // 4))
