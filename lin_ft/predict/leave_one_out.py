"""Held-out prediction without held-out data: leave-one-out at every (time, ridge), exact.

Ridge regression (infinite time): the residual at i of the model refitted without i is
    r_loo,i = [A⁻¹ r0]_i / [A⁻¹]_ii,   A = Theta + ridge I.
Gradient flow at finite time. The dual flow is alpha' = -A alpha + r0, alpha(0) = 0, in the time eta t. To
leave out i is to keep alpha_i(t) = 0, which a force u(t) on coordinate i does:
    alpha' = -A alpha + r0 - u e_i.
Row i of that reads u = r0_i - [A alpha]_i = Y_i - f_t(x_i): the force is the leave-one-out residual itself.
Laplace-transformed, alpha = (sI + A)⁻¹ (r0 / s - u e_i), and alpha_i = 0 gives
    L[r_loo,i](s) = (1/s) [(sI + A)⁻¹ r0]_i / [(sI + A)⁻¹]_ii:
leave-one-out along gradient flow is the inverse Laplace transform of leave-one-out ridge regression at the
complex ridge `ridge + s`, over s. Its singularities lie on the negative real axis (0 and minus the
eigenvalues of principal sub-matrices), where the midpoint rule on a cotangent contour converges as 3.89^-N in
N nodes (Weideman 2006, SIAM J. Numer. Anal. 44, doi 10.1137/050625837; Talbot 1979). With blocks in place of
i the same leaves out groups of rows: `lin_ft.predict.leave_out`.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from lin_ft.predict.gradient_flow import predict_logits
from lin_ft.predict.leave_out import NODES, leave_groups_out
from lin_ft.predict.spectrum import Spectrum, columns, decompose
from lin_ft.typing import Array


def leave_one_out(
    spectrum: Spectrum,
    residual0: Float[Array, "n C"],
    times: Sequence[float] | Array = (np.inf,),
    ridges: Sequence[float] | Array = (0.0,),
    *,
    nodes: int = NODES,
) -> Float[np.ndarray, "T R n C"]:
    """Residual Y_i - f_i of each sample under the model trained without it, for every time (eta t) and ridge.

    Of a full kernel all C rows of a sample are left out together. At infinite time and ridge 0 of a singular
    kernel the limit of long times is taken, which is the minimum-norm (pseudo-inverse) refit. NumPy
    equivalent at infinite time: `np.linalg.solve(A, residual0) / np.diag(np.linalg.inv(A))[:, None]`.
    Accuracy, relative to the largest residual: a few 1e-14, and n eps lambda_max / (ridge + 1 / eta t), which is the
    conditioning of the problem; measured against refits 1e-14 at eta t lambda_max <= 1e3, 1e-10 at 1e6, and 5e-9 at
    infinite time and ridge 0 where lambda_max / lambda_min is 1e8. An exact null space amplifies nothing.
    Cost: 4 `nodes` n² (C + 1) FLOPs a grid point, and 16 `nodes` n C bytes; of a full kernel 8 `nodes` n² C²
    (C + 1).

    Args:
        spectrum: of the training kernel, from `decompose`.
        residual0: Y - f0 on the training inputs.
        times: training times eta t, in units of 1 / kernel; infinity: trained for ever.
        ridges: penalties on ½||w - w0||², in units of the kernel.
        nodes: of the quadrature in time.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import decompose, leave_one_out, leave_one_out_by_refit
        >>> x = np.arange(4.0)[:, None]
        >>> kernel, residual = x @ x.T + np.eye(4), np.array([[0.0], [1.0], [2.0], [4.0]])
        >>> fast = leave_one_out(decompose(kernel), residual, times=[2.0], ridges=[0.1])[0, 0]
        >>> bool(np.allclose(fast, leave_one_out_by_refit(kernel, residual, 2.0, 0.1)))
        True

    Raises:
        InputError: residuals that do not go with the kernel or are not finite, negative times or ridges.
    """
    m = len(spectrum.eigenvalues)
    rows_each = 1 if len(columns(residual0, m)) == len(residual0) else np.shape(residual0)[1]
    return leave_groups_out(spectrum, residual0, np.arange(m).reshape(-1, rows_each), times, ridges, nodes=nodes)


def leave_one_out_by_refit(
    kernel: Array, residual0: Float[Array, "n C"], time: float = np.inf, ridge: float = 0.0
) -> Float[np.ndarray, "n C"]:
    """The slow, obvious twin: n refits, each predicting the sample left out. Cost: n decompositions.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import leave_one_out_by_refit
        >>> x = np.array([[0.0], [1.0], [2.0]])
        >>> leave_one_out_by_refit(x @ x.T + 1, np.array([[0.0], [1.0], [5.0]]))[:, 0].round(3)  # from the other two
        array([ 3. , -1.5,  3. ])
    """
    theta, r0 = np.asarray(kernel, np.float64), np.asarray(residual0, np.float64)
    residuals = np.empty_like(r0)
    for i in range(len(r0)):
        kept = np.delete(np.arange(len(r0)), i)
        spectrum = decompose(theta[kept].take(kept, axis=theta.ndim // 2))
        cross = theta[[i]].take(kept, axis=theta.ndim // 2)
        residuals[i] = r0[i] - predict_logits(spectrum, cross, r0[kept], (time,), (ridge,))[0, 0, 0]
    return residuals
