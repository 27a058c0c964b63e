"""The tangent model f_lin(x; w) = f(x; w0) + J(x) (w - w0) (paper, section 3.1)."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from lin_ft.errors import InputError
from lin_ft.typing import Apply, Params

__all__ = ["linearize", "tangent_value_and_grad"]


def linearize(apply: Apply, params: Params) -> Callable[[Params, Any], Any]:
    """f_lin(w, x) = f(x; w0) + J(x) (w - w0), with w0 = `params`: (n, ...) -> (n, C).

    `w` is a tree like `params`. Works under jit, vmap, grad and Optax; the gradient of a loss in `w` never
    differentiates the network twice, since f_lin is affine in `w`. Cost: one `jax.jvp`, about two forward
    passes and their memory. Not for weights far from w0, where the tangent model says little about the
    network.

    Examples:
        >>> import jax
        >>> import jax.numpy as jnp
        >>> import lin_ft
        >>> def apply(params, x):
        ...     return jnp.tanh(x @ params["w"])
        >>> x, w0 = jnp.ones((1, 2)), {"w": jnp.zeros((2, 1))}
        >>> lin_ft.linearize(apply, w0)({"w": jnp.ones((2, 1))}, x)  # tanh is the identity at 0
        Array([[2.]], dtype=float32)

    Raises:
        InputError: `w` of another structure or other shapes than `params`.
    """

    def f_lin(w: Params, x: Any) -> Any:
        logits0, change = jax.jvp(lambda p: apply(p, x), (params,), (_difference(w, params),))
        return logits0 + change  # f0 + J (w - w0)

    return f_lin


def tangent_value_and_grad(apply: Apply, params: Params, loss: Callable[..., Any]) -> Callable[..., tuple[Any, Params]]:
    """`g(w, x, *rest)` -> (value, gradient in w) of `loss(f_lin(w, x), *rest)`, for training the tangent model.

    The network is linearized once at w0: J (w - w0) is one application of that linear map, Jᵀ (dloss/df) one
    of its transpose. Cost: one forward pass, one jvp and one vjp, all at the fixed weights w0: about that of
    ordinary training plus one forward pass.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lin_ft.tangent import tangent_value_and_grad
        >>> def apply(params, x):
        ...     return jnp.tanh(x @ params["w"])
        >>> def loss(f, y):
        ...     return 0.5 * jnp.sum((f - y) ** 2)
        >>> x, w0 = jnp.ones((1, 2)), {"w": jnp.zeros((2, 1))}
        >>> value, gradient = tangent_value_and_grad(apply, w0, loss)(w0, x, jnp.ones((1, 1)))
        >>> float(value), gradient["w"][:, 0]
        (0.5, Array([-1., -1.], dtype=float32))
    """

    def value_and_grad(w: Params, x: Any, *rest: Any) -> tuple[Any, Params]:
        logits0, jvp = jax.linearize(lambda p: apply(p, x), params)
        logits = logits0 + jvp(_difference(w, params))  # v -> J v
        value, cotangent = jax.value_and_grad(loss)(logits, *rest)
        (gradient,) = jax.linear_transpose(jvp, params)(cotangent)  # u -> Jᵀ u
        return value, gradient

    return value_and_grad


def _difference(w: Params, params: Params) -> Params:
    if jax.tree.structure(w) != jax.tree.structure(params):
        raise InputError("The weights given to the tangent model have another structure than those it was built at.")
    for new, old in zip(jax.tree.leaves(w), jax.tree.leaves(params), strict=True):
        if jnp.shape(new) != jnp.shape(old):
            raise InputError(f"A weight of the tangent model has shape {jnp.shape(new)} where {jnp.shape(old)} is due.")
    return jax.tree.map(jnp.subtract, w, params)
