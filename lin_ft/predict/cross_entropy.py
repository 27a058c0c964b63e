# pyright: reportMissingTypeStubs=false, reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
"""Training the linearized network by gradient flow on the cross-entropy, by integrating its dynamics."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.predict.gradient_flow import initial_residual, logits_from_dual
from lin_ft.predict.spectrum import columns
from lin_ft.typing import Array, Logits


def predict_logits_by_cross_entropy(
    kernel: Array,
    cross_kernel: Float[Array, "n2 _"] | Float[Array, "n2 C _ _"],
    targets: Logits,
    times: Sequence[float] | Array,
    *,
    logits0: Logits | None = None,
    logits0_test: Float[Array, "n2 C"] | None = None,
    rtol: float = 1e-8,
    max_evaluations: int = 100_000,
) -> Float[np.ndarray, "T n2 C"]:
    """f_t(x*) = f0(x*) + Theta(x*, X) alpha(t), where d alpha / d(eta t) = Y - softmax(f0 + Theta alpha).

    The loss is the sum, not the mean, of the cross-entropies; `targets` are rows of probabilities. There is
    no closed form, and no infinite time: on separable data the logits grow for ever.
    `scipy.integrate.solve_ivp` (DOP853).
    Cost: one product with the kernel, 2 m² k FLOPs, an evaluation; evaluations grow as lambda_max t.

    Args:
        kernel: Theta(X, X): (n, n), or (n, C, n, C).
        cross_kernel: Theta(x*, X), test inputs in rows.
        targets: probabilities, rows add up to 1.
        times: training times eta t, finite.
        logits0: f0 on the training inputs; None: 0.
        logits0_test: f0 on the test inputs; None: 0.
        rtol: relative tolerance of the solver.
        max_evaluations: of the right-hand side, before it gives up.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import predict_logits_by_cross_entropy
        >>> kernel, targets = np.array([[2.0, 1.0], [1.0, 2.0]]), np.eye(2)
        >>> predict_logits_by_cross_entropy(kernel, kernel, targets, times=[0.0, 1.0]).round(3)
        array([[[ 0.   ,  0.   ],
                [ 0.   ,  0.   ]],
        <BLANKLINE>
               [[ 0.396, -0.396],
                [-0.396,  0.396]]])

    Raises:
        InputError: targets that are not probabilities, times not finite or negative, more than
            `max_evaluations`.
    """
    import scipy.integrate

    y, grid = np.asarray(targets, np.float64), np.atleast_1d(np.asarray(times, np.float64))
    if not (y >= 0).all() or not np.allclose(y.sum(-1), 1):
        raise InputError("targets: cross-entropy needs rows of probabilities, such as one-hot labels.")
    if not grid.size or not (np.isfinite(grid) & (grid >= 0)).all():
        raise InputError(f"times {grid.tolist()}: give finite numbers >= 0.")
    initial_residual(y, logits0, logits0_test)  # checks shapes
    start = np.zeros_like(y) if logits0 is None else np.asarray(logits0, np.float64)
    theta = np.asarray(kernel, np.float64)
    m = int(np.prod(theta.shape[: theta.ndim // 2]))
    theta = theta.reshape(m, -1)
    shape = columns(y, m).shape
    evaluations = 0

    def velocity(_: float, alpha: np.ndarray) -> np.ndarray:
        nonlocal evaluations
        evaluations += 1
        if evaluations > max_evaluations:
            raise InputError(
                f"cross-entropy: {max_evaluations} evaluations did not reach time {grid.max():.4g};"
                " give shorter times or a larger max_evaluations."
            )
        logits = start + (theta @ alpha.reshape(shape)).reshape(y.shape)
        weights = np.exp(logits - logits.max(-1, keepdims=True))
        return (y - weights / weights.sum(-1, keepdims=True)).ravel()

    alpha = np.zeros((len(grid), *shape))
    if grid.max() > 0:
        scale = max(float(np.abs(theta).max()), np.finfo(np.float64).tiny)
        solution = scipy.integrate.solve_ivp(
            velocity,
            (0, grid.max()),
            np.zeros(y.size),
            method="DOP853",
            t_eval=np.unique(grid),
            rtol=rtol,
            atol=rtol * min(1.0, grid.max(), 1 / scale),
        )
        alpha = solution.y.T[np.unique(grid, return_inverse=True)[1]].reshape(-1, *shape)
    return logits_from_dual(alpha[:, None], cross_kernel, y.shape[1], logits0_test)[:, 0]
