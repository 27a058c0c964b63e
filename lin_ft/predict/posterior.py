"""Uncertainty of the linearized network: the NTK Gaussian process, and the ensemble over initial functions.

Covariances are over the n2 test inputs, shared by the C outputs (trace or pseudo kernel), in squared units of
the logits.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from lin_ft.predict.gradient_flow import check_grid, fitted_fraction
from lin_ft.predict.spectrum import Spectrum
from lin_ft.typing import Array


def posterior_covariance(
    spectrum: Spectrum,
    cross_kernel: Float[Array, "n2 n"],
    test_kernel: Float[Array, "n2 n2"],
    ridges: Sequence[float] | Array = (0.0,),
) -> Float[np.ndarray, "R n2 n2"]:
    """Theta(x*, x*') - Theta(x*, X) (Theta + ridge I)⁻¹ Theta(X, x*'): a Gaussian process with prior Theta.

    The posterior of Bayesian linear regression on the Jacobian features with w ~ N(w0, I) and noise variance
    `ridge`. (Rasmussen and Williams 2006, eq. 2.24. scikit-learn:
    `GaussianProcessRegressor.predict(return_cov=True)`.)
    Cost: 2 n² n2 FLOPs, then 2 n n2² a ridge.
    """
    _, ridges = check_grid((np.inf,), ridges)
    along = np.asarray(cross_kernel, np.float64) @ spectrum.eigenvectors
    inverse = fitted_fraction(spectrum, np.array([np.inf]), ridges)[0]
    return np.asarray(test_kernel, np.float64) - (along * inverse[:, None, :]) @ along.T


def ensemble_covariance(
    spectrum: Spectrum,
    cross_kernel: Float[Array, "n2 n"],
    initial: Float[Array, "n n"],
    cross_initial: Float[Array, "n2 n"],
    test_initial: Float[Array, "n2 n2"],
    times: Sequence[float] | Array = (np.inf,),
    ridges: Sequence[float] | Array = (0.0,),
) -> Float[np.ndarray, "T R n2 n2"]:
    """Covariance of f_t(x*) over initial functions f0 ~ N(0, K), each trained with the same kernel.

    With B = Theta(x*, X) A⁻¹ (I - exp(-eta A t)), f_t(x*) = f0(x*) - B f0(X) + B Y, hence
    K(x*, x*') - B K(X, x*') - K(x*, X) Bᵀ + B K(X, X) Bᵀ; `initial` is K(X, X), `cross_initial` K(x*, X),
    `test_initial` K(x*, x*'). (Lee et al. 2019, arXiv 1902.06720, section 2.3.) With K = Theta, infinite time
    and no ridge it is the `posterior_covariance`. Cost: 2 n² n2 FLOPs for each product, a grid point.
    """
    times, ridges = check_grid(times, ridges)
    initial, cross_initial = np.asarray(initial, np.float64), np.asarray(cross_initial, np.float64)
    along = np.asarray(cross_kernel, np.float64) @ spectrum.eigenvectors
    b = (along * fitted_fraction(spectrum, times, ridges)[:, :, None, :]) @ spectrum.eigenvectors.T
    mixed = b @ cross_initial.T
    return np.asarray(test_initial, np.float64) - mixed - mixed.swapaxes(-1, -2) + b @ initial @ b.swapaxes(-1, -2)
