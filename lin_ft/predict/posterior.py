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

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import decompose, posterior_covariance
        >>> x, test = np.array([[0.0], [1.0]]), np.array([[0.5], [3.0]])
        >>> covariance = posterior_covariance(decompose(x @ x.T + 1), test @ x.T + 1, test @ test.T + 1, ridges=[0.1])
        >>> covariance[0].diagonal().round(3)  # sure between the samples, unsure beyond them
        array([0.048, 1.069])
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

    Args:
        spectrum: of the training kernel, from `decompose`.
        cross_kernel: Theta(x*, X), test inputs in rows.
        initial: K(X, X), the covariance of f0.
        cross_initial: K(x*, X).
        test_initial: K(x*, x*).
        times: training times eta t, in units of 1 / kernel; infinity: trained for ever.
        ridges: penalties on ½||w - w0||², in units of the kernel.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import decompose, ensemble_covariance
        >>> x, test = np.array([[0.0], [1.0]]), np.array([[0.5], [3.0]])
        >>> K, cross, own = x @ x.T + 1, test @ x.T + 1, test @ test.T + 1
        >>> spread = ensemble_covariance(decompose(K), cross, K, cross, own, times=[0.0, 1.0])
        >>> spread[:, 0].diagonal(axis1=1, axis2=2).round(3)  # training makes the networks agree
        array([[ 1.25 , 10.   ],
               [ 0.011,  1.944]])
    """
    times, ridges = check_grid(times, ridges)
    initial, cross_initial = np.asarray(initial, np.float64), np.asarray(cross_initial, np.float64)
    along = np.asarray(cross_kernel, np.float64) @ spectrum.eigenvectors
    b = (along * fitted_fraction(spectrum, times, ridges)[:, :, None, :]) @ spectrum.eigenvectors.T
    mixed = b @ cross_initial.T
    return np.asarray(test_initial, np.float64) - mixed - mixed.swapaxes(-1, -2) + b @ initial @ b.swapaxes(-1, -2)
