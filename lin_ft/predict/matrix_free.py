# pyright: reportMissingTypeStubs=false, reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
"""Ridge regression with a kernel that is never formed: conjugate gradients on v -> Theta v."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.typing import Array


def ridge_coefficients_by_cg(
    matvec: Callable[[Array], Array],
    residual0: Float[Array, "n C"],
    ridge: float,
    *,
    rtol: float = 1e-8,
    max_iterations: int = 1000,
) -> Float[np.ndarray, "n C"]:
    """alpha = (Theta + ridge I)⁻¹ r0, where `matvec` maps v, (n, C), to Theta v: one vjp and one jvp.

    Any kernel, full ones included, as one system of n C unknowns. Test logits are f0(x*) + Theta(x*, X)
    alpha, which is one jvp at x* along Jᵀ alpha. `scipy.sparse.linalg.cg`. Prefer `decompose` where the
    kernel fits in memory: it serves every ridge and time. Cost: one `matvec` an iteration, about ½
    sqrt(lambda_max / ridge) log(2 / rtol) of them; 5 n C numbers.

    Args:
        matvec: v -> Theta v, both (n, C); `lin_ft.kernels.NTKProducts` is one.
        residual0: Y - f0 on the training inputs.
        ridge: in units of the kernel, > 0.
        rtol: of the residual of the linear system.
        max_iterations: products at most.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import ridge_coefficients_by_cg
        >>> kernel, residual = np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([[1.0], [-1.0]])
        >>> ridge_coefficients_by_cg(lambda v: kernel @ v, residual, 1.0)[:, 0].round(3)
        array([ 0.5, -0.5])

    Raises:
        InputError: ridge not positive, a matvec of another shape or not finite, no convergence (says how far
            it came).
    """
    import scipy.sparse.linalg

    r0 = np.asarray(residual0, np.float64)
    if not ridge > 0:
        raise InputError(f"ridge {ridge}: conjugate gradients need a positive ridge.")

    def apply(v: np.ndarray) -> np.ndarray:
        product = np.asarray(matvec(v.reshape(r0.shape)), np.float64)
        if product.shape != r0.shape or not np.isfinite(product).all():
            raise InputError(f"matvec: gave shape {product.shape} or non-finite values for input {r0.shape}.")
        return product.ravel() + ridge * v.ravel()

    shape = (r0.size, r0.size)
    operator = scipy.sparse.linalg.LinearOperator(shape, matvec=apply, dtype=np.float64)  # pyright: ignore
    solve = scipy.sparse.linalg.cg
    alpha, failed = solve(operator, r0.ravel(), rtol=rtol, atol=0.0, maxiter=max_iterations)
    if failed:
        left = np.linalg.norm(apply(alpha) - r0.ravel()) / np.linalg.norm(r0)
        raise InputError(
            f"conjugate gradients: residual {left:.2g} after {max_iterations} iterations, not {rtol:.2g};"
            " give more iterations, a larger ridge or a larger rtol (float32 products allow about 1e-5)."
        )
    return alpha.reshape(r0.shape)
