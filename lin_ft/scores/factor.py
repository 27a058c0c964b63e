# pyright: reportMissingTypeStubs=false, reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
"""One thin singular value decomposition of the features, shared by every score that needs one."""

import dataclasses

import numpy as np
from jaxtyping import Float

from lin_ft.scores.inputs import matrix
from lin_ft.typing import Array

COST_OF_SVD = "one thin decomposition, O(min(n, d)^2 max(n, d))"


@dataclasses.dataclass(frozen=True, eq=False)
class ThinSVD:
    """phi = U diag(s) Vᵀ, s descending, only directions above rounding; phi is centred unless said otherwise."""

    left: Float[np.ndarray, "n r"]
    singular: Float[np.ndarray, " r"]
    right: Float[np.ndarray, "d r"]
    shape: tuple[int, int]

    def scores(self, k: int) -> Float[np.ndarray, "n k"]:
        """The first k principal components, U s; zero-padded if the rank is less. Signs are arbitrary."""
        kept = self.left[:, :k] * self.singular[:k]
        return np.pad(kept, ((0, 0), (0, k - kept.shape[1])))


def thin_svd(features: Array, *, centred: bool = True) -> ThinSVD:
    """The decomposition from the smaller Gram matrix: O(min(n, d)² max(n, d)), about three times faster than LAPACK's.

    Squaring loses half the digits: directions with s² below max(n, d) eps s_1² (s below about 1e-6 s_1) are dropped.
    NumPy equivalent: `np.linalg.svd(phi - phi.mean(0), full_matrices=False)`.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import thin_svd
        >>> thin_svd(np.array([[0.0, 1.0], [0.0, 2.0], [4.0, 1.0], [4.0, 2.0]])).singular.round(6)
        array([4., 1.])
    """
    import scipy.linalg

    phi = matrix(features)
    phi = phi - phi.mean(0) if centred else phi
    n, d = phi.shape
    squares, vectors = scipy.linalg.eigh(phi @ phi.T if n <= d else phi.T @ phi, driver="evd")
    squares, vectors = squares[::-1], vectors[:, ::-1]
    kept = squares > max(max(n, d) * np.finfo(np.float64).eps * max(squares[0], 0), np.finfo(np.float64).tiny)
    s, vectors = np.sqrt(squares[kept]), vectors[:, kept]
    other = (phi.T if n <= d else phi) @ vectors / s
    left, right = (vectors, other) if n <= d else (other, vectors)
    return ThinSVD(left, s, right, (n, d))
