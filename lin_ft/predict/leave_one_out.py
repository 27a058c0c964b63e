"""Held-out prediction without held-out data: exact leave-one-out at every (time, ridge) from one eigendecomposition.

Ridge regression (infinite time): the residual at i of the model refitted without i is
    r_loo,i = [A⁻¹ r0]_i / [A⁻¹]_ii,   A = Theta + ridge I.
Gradient flow at finite time. The dual flow is alpha' = -eta A alpha + eta r0, alpha(0) = 0. Leaving out i keeps
alpha_i(t) = 0: a force u(t) on coordinate i does that, and u = -eta r_loo,i. In the Laplace domain (s for eta t)
    L[r_loo,i](s) = (1/s) [(sI + A)⁻¹ r0]_i / [(sI + A)⁻¹]_ii,
so leave-one-out along gradient flow is the inverse Laplace transform of leave-one-out ridge regression with complex
ridge s, divided by s. Its singularities lie on the negative real axis (0 and eigenvalues of principal sub-matrices),
where a cotangent contour converges geometrically (Weideman 2006, doi 10.1137/050625837; Talbot 1979).
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.predict.gradient_flow import check_grid, predict_logits
from lin_ft.predict.spectrum import Spectrum, columns, decompose
from lin_ft.typing import Array, Kernel

NODES = 12
"""Nodes in the upper half plane (24 in all): errors near 1e-14 of the largest residual; more lose to rounding."""


def leave_one_out(
    spectrum: Spectrum,
    residual0: Float[Array, "n C"],
    times: Sequence[float] | Array = (np.inf,),
    ridges: Sequence[float] | Array = (0.0,),
    *,
    nodes: int = NODES,
) -> Float[np.ndarray, "T R n C"]:
    """Residual Y_i - f_i of each sample under the model trained without it, for every time (eta t) and ridge.

    For a trace or pseudo kernel (m = n). Infinite time at ridge 0 of a singular kernel is taken at a ridge of rounding
    size. Cost: `nodes` x T x R complex matrix-vector products of n² C multiply-adds.

    Raises:
        InputError: a full kernel (leaving out one sample there means C rows at once), negative times or ridges.
    """
    times, ridges = check_grid(times, ridges)
    n = len(spectrum.eigenvalues)
    r0 = columns(residual0, n)
    if r0.shape != np.shape(residual0):
        raise InputError("leave-one-out: give a trace or pseudo kernel (n, n), not a full one.")
    projected = spectrum.eigenvectors.T @ r0
    squares = spectrum.eigenvectors**2
    floor = n * np.finfo(np.float64).eps * max(float(spectrum.eigenvalues[-1]), np.finfo(np.float64).tiny)

    def ratio(shift: np.ndarray) -> np.ndarray:
        """[(Theta + z)⁻¹ r0]_i / [(Theta + z)⁻¹]_ii for each shift z, (z, n, C)."""
        inverse = 1 / (spectrum.eigenvalues + shift[:, None])
        alpha = spectrum.eigenvectors @ (inverse[..., None] * projected)
        return alpha / (inverse @ squares.T)[..., None]

    result = np.empty((len(times), len(ridges), *r0.shape))
    points, weights = _contour(nodes)
    for j, ridge in enumerate(ridges):
        for i, time in enumerate(times):
            if time == 0:
                result[i, j] = r0
            elif np.isinf(time):
                result[i, j] = ratio(np.array([max(ridge, floor)]))[0]
            else:
                shift = points / time
                # f(t) = (1 / 2 pi i) ∫ e^{st} F(s) ds, F = ratio / s; ds / s does not depend on t.
                result[i, j] = np.einsum("z,znc->nc", weights, ratio(shift + ridge)).real
    return result


def _contour(nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Points z = s t of the cotangent contour in the upper half plane, and weights e^z dz / (z pi i) (conjugate halves)."""
    total = 2 * nodes
    theta = (2 * np.arange(nodes) + 1) * np.pi / total
    z = total * (0.5017 * theta / np.tan(0.6407 * theta) - 0.6122 + 0.2645j * theta)
    slope = 0.5017 / np.tan(0.6407 * theta) - 0.5017 * 0.6407 * theta / np.sin(0.6407 * theta) ** 2 + 0.2645j
    # (1 / 2 pi i) ∫ e^z dz / z by the midpoint rule: dz = total z'(theta) 2 pi / total; the lower half is conjugate.
    return z, 2 * np.exp(z) * slope / z / 1j


def leave_one_out_by_refit(
    kernel: Kernel, residual0: Float[Array, "n C"], time: float = np.inf, ridge: float = 0.0
) -> Float[np.ndarray, "n C"]:
    """The slow, obvious twin: n refits, each predicting the sample left out. Cost: n decompositions."""
    theta, r0 = np.asarray(kernel, np.float64), np.asarray(residual0, np.float64)
    residuals = np.empty_like(r0)
    for i in range(len(r0)):
        kept = np.arange(len(r0)) != i
        spectrum = decompose(theta[np.ix_(kept, kept)])
        change = predict_logits(spectrum, theta[i : i + 1, kept], r0[kept], (time,), (ridge,))
        residuals[i] = r0[i] - change[0, 0, 0]
    return residuals
