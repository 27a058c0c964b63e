"""Training the linearized network by gradient descent in discrete steps, with momentum, in closed form.

Full-batch steps on L = ½||f - Y||² + ½ ridge ||w - w0||², as `optax.sgd(learning_rate, momentum, nesterov)`
takes them, stay in w0 + Jᵀ alpha, where each eigenvalue x of Theta + ridge I goes its own way:
    g = x alpha - 1;  v <- momentum v + g;  alpha <- alpha - eta v   (nesterov: alpha <- alpha - eta (g +
    momentum v)).
Without momentum this is alpha_k = (1 - (1 - eta x)^k) / x. With it, the k-th power of one 3 x 3 matrix for
each x, by repeated squaring: no roots of the recursion, hence nothing special where they coincide or where x
vanishes.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.predict.gradient_flow import check_grid, initial_residual, logits_from_dual
from lin_ft.predict.spectrum import Spectrum, columns
from lin_ft.typing import Array, Logits


def largest_stable_learning_rate(
    spectrum: Spectrum, ridge: float = 0.0, *, momentum: float = 0.0, nesterov: bool = False
) -> float:
    """The learning rate above which gradient descent diverges: 2 (1 + momentum) / (lambda_max + ridge).

    For Nesterov's momentum that over 1 + 2 momentum. Infinite where nothing is learned. In units of 1 /
    kernel, for the sum, not the mean, of squares. (Goh 2017, doi 10.23915/distill.00006, for heavy-ball
    momentum.)

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import decompose, largest_stable_learning_rate
        >>> round(largest_stable_learning_rate(decompose(np.array([[2.0, 1.0], [1.0, 2.0]])), momentum=0.9), 4)
        1.2667
    """
    _check_momentum(momentum)
    largest = float(spectrum.eigenvalues[-1]) + ridge
    bound = 2 * (1 + momentum) / (1 + 2 * momentum if nesterov else 1)
    return bound / largest if largest > 0 else np.inf


def predict_logits_by_descent(
    spectrum: Spectrum,
    cross_kernel: Float[Array, "n2 _"] | Float[Array, "n2 C _ _"],
    targets: Logits,
    steps: Sequence[int] | Array,
    ridges: Sequence[float] | Array = (0.0,),
    *,
    learning_rate: float,
    momentum: float = 0.0,
    nesterov: bool = False,
    logits0: Logits | None = None,
    logits0_test: Float[Array, "n2 C"] | None = None,
) -> Float[np.ndarray, "T R n2 C"]:
    """Logits of test inputs after each number of steps; small steps approach `predict_logits`.

    Args:
        spectrum: of the training kernel, from `decompose`.
        cross_kernel: Theta(x*, X), test inputs in rows.
        targets: Y, (n, C).
        steps: numbers of full-batch steps.
        ridges: penalties on ½||w - w0||², in units of the kernel.
        learning_rate: in units of 1 / kernel, for the sum of squares.
        momentum: in [0, 1).
        nesterov: Nesterov's momentum in place of the heavy ball's.
        logits0: f0 on the training inputs; None: 0.
        logits0_test: f0 on the test inputs; None: 0.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import decompose, predict_logits_by_descent
        >>> kernel = np.array([[2.0, 1.0], [1.0, 2.0]])
        >>> predict_logits_by_descent(decompose(kernel), kernel, np.eye(2), [1, 100], learning_rate=0.1)[:, 0].round(3)
        array([[[0.2, 0.1],
                [0.1, 0.2]],
        <BLANKLINE>
               [[1. , 0. ],
                [0. , 1. ]]])

    Raises:
        InputError: a learning rate at which training diverges (says the largest stable one), steps that are
            not whole numbers >= 0, and what `predict_logits` raises.
    """
    residual0 = initial_residual(targets, logits0, logits0_test)
    alpha = descent_coefficients(
        spectrum,
        residual0,
        steps,
        ridges,
        learning_rate=learning_rate,
        momentum=momentum,
        nesterov=nesterov,
    )
    return logits_from_dual(alpha, cross_kernel, residual0.shape[1], logits0_test)


def descent_coefficients(
    spectrum: Spectrum,
    residual0: Float[Array, "n C"],
    steps: Sequence[int] | Array,
    ridges: Sequence[float] | Array = (0.0,),
    *,
    learning_rate: float,
    momentum: float = 0.0,
    nesterov: bool = False,
) -> Float[np.ndarray, "T R m k"]:
    """alpha after each number of steps, such that w = w0 + Jᵀ alpha. Cost: 2 m² k FLOPs a grid point.

    Args:
        spectrum: of the training kernel, from `decompose`.
        residual0: Y - f0 on the training inputs.
        steps: numbers of full-batch steps.
        ridges: penalties on ½||w - w0||², in units of the kernel.
        learning_rate: in units of 1 / kernel, for the sum of squares.
        momentum: in [0, 1).
        nesterov: Nesterov's momentum in place of the heavy ball's.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import decompose, descent_coefficients
        >>> spectrum = decompose(np.array([[2.0, 1.0], [1.0, 2.0]]))
        >>> descent_coefficients(spectrum, np.array([[1.0], [-1.0]]), [1, 2], learning_rate=0.1)[:, 0, :, 0].round(3)
        array([[ 0.1 , -0.1 ],
               [ 0.19, -0.19]])
    """
    counts = np.atleast_1d(np.asarray(steps))
    if counts.dtype.kind not in "iu" or counts.ndim != 1:
        raise InputError(f"steps {counts.tolist()}: give whole numbers >= 0.")
    counts, ridges = check_grid(counts, ridges)
    if not (learning_rate > 0 and np.isfinite(learning_rate)):
        raise InputError(f"learning rate {learning_rate}: give a positive number.")
    for ridge in ridges:
        stable = largest_stable_learning_rate(spectrum, ridge, momentum=momentum, nesterov=nesterov)
        if learning_rate > stable * (1 + 4 * np.finfo(np.float64).eps):
            raise InputError(
                f"learning rate {learning_rate:.4g}: diverges at ridge {ridge:.4g}, momentum {momentum:.4g};"
                f" the largest stable one is {stable:.4g}."
            )
    projected = spectrum.eigenvectors.T @ columns(residual0, len(spectrum.eigenvalues))
    step = learning_rate * (spectrum.eigenvalues + ridges[:, None])
    # In units of eta, alpha_k is a function of eta x alone.
    share = learning_rate * np.stack([_after_steps(step, int(k), momentum, nesterov) for k in counts])
    return spectrum.eigenvectors @ (np.where(spectrum.eigenvalues > 0, share, 0.0)[..., None] * projected)


def _after_steps(step: Float[np.ndarray, "R m"], k: int, momentum: float, nesterov: bool) -> np.ndarray:
    """alpha_k / eta on a residual of 1, for each step = eta x."""
    if momentum == 0:
        # (1 - (1 - step)^k) / step; the logarithm keeps small steps exact
        with np.errstate(divide="ignore"):
            gap = np.where(step < 0.5, -np.expm1(k * np.log1p(-np.minimum(step, 0.5))), 1 - (1 - step) ** float(k))
        return np.divide(gap, step, out=np.full_like(step, k), where=step > 0)
    one, zero = np.ones_like(step), np.zeros_like(step)
    velocity = np.stack([step, momentum * one, -one], -1)  # v <- step alpha + momentum v - 1, on (alpha, v, 1)
    gradient = np.stack([step, zero, -one], -1)
    alpha = np.stack([one, zero, zero], -1) - (gradient + momentum * velocity if nesterov else velocity)
    matrix = np.stack([alpha, velocity, np.stack([zero, zero, one], -1)], -2)
    return np.linalg.matrix_power(matrix, k)[..., 0, 2]


def _check_momentum(momentum: float) -> None:
    if not 0 <= momentum < 1:
        raise InputError(f"momentum {momentum}: give a number in 0 .. 1, 1 excluded.")
