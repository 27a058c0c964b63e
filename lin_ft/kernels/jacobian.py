"""Jacobian contraction: per-example gradients by `vmap` of `vjp`, and the slow, obvious twin of every kernel here."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Float

from lin_ft.kernels.structured import output_function
from lin_ft.trainable import Trainable, merge, split
from lin_ft.typing import Apply, Array, Params


@dataclass(frozen=True)
class JacobianRows:
    """Rows of a few examples, one (n, p, size of leaf) array for each trainable leaf.

    Cost: n p reverse passes, where XLA turns the weight gradients of convolutions into slow grouped ones on a CPU
    (`structured` does not).
    """

    of: str
    full: bool

    def __call__(self, shared: Any, x: Any) -> list[jax.Array]:
        """Rows of the examples `x` for each trainable leaf; `shared` is what all blocks have in common."""
        function, chosen, frozen, combinations = shared
        leaves, structure = jax.tree.flatten(chosen)
        h = output_function(self.of, structure)

        def one(xi: Any) -> Any:
            out, pull = jax.vjp(lambda values: h(values, (function, frozen), xi), leaves)
            return jax.vmap(lambda v: pull(v)[0])(combinations.astype(out.dtype))

        gradients = jax.vmap(one)(x)
        return [leaf.reshape(*leaf.shape[:2], -1) for leaf in gradients]


def whole_jacobian_gram(
    apply: Apply, params: Params, x1: Array, x2: Array | None = None, *, trainable: Trainable = "all"
) -> Float[Array, "n1 C n2 C"]:
    """The slow, obvious twin of `gram(output="full")`: the whole Jacobian by `jax.jacrev`, then J Jᵀ.

    Args:
        apply: (params, x) -> outputs; from `lin_ft.from_linen`, `from_nnx`, or any function.
        params: the weights w0 at which it is linearized.
        x1: samples, (n1, ...).
        x2: samples of the other side; None: x1.
        trainable: which weights train: "all", "head", "norm", "last_block" or a predicate on paths.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lin_ft.kernels import gram, whole_jacobian_gram
        >>> x = jnp.arange(10.0).reshape(2, 5) / 10
        >>> apply, params = lambda params, x: jnp.tanh(x @ params["w"]), {"w": jnp.ones((5, 3))}
        >>> bool(jnp.allclose(whole_jacobian_gram(apply, params, x), gram(apply, params, x, output="full"), atol=1e-5))
        True
    """
    chosen, frozen = split(params, trainable)

    @jax.jit
    def jacobian(x: Array) -> jax.Array:
        leaves = jax.tree.leaves(jax.jacrev(lambda w: apply(merge(w, frozen), x))(chosen))
        return jnp.concatenate([leaf.reshape(*leaf.shape[:2], -1) for leaf in leaves], axis=2)

    return jnp.einsum("icp,jep->icje", jacobian(x1), jacobian(x1 if x2 is None else x2))
