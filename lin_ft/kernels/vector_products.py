"""Matrix-free products with Theta = J Jᵀ."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from lin_ft import sharding
from lin_ft.functions import ModelFunction, as_function, balanced_size, check_inputs, n_outputs, padded
from lin_ft.kernels.precision import kernel_dtype
from lin_ft.kernels.structured import output_function
from lin_ft.sharding import DeviceChoice
from lin_ft.trainable import Trainable, merge, split
from lin_ft.typing import Apply, Array, Params


class NTKProducts:
    """v -> Jᵀ v, w -> J w and v -> Theta v for fixed weights and samples.

    v is (n, C), w a tree of the trainable weights.

    Cost of each half: one forward and one reverse (or tangent) pass over the data, memory of one batch and of
    one set of weights; Theta is never formed.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lin_ft.kernels import NTKProducts
        >>> x = jnp.arange(10.0).reshape(2, 5)
        >>> theta = NTKProducts(lambda params, x: x @ params["w"], {"w": jnp.ones((5, 3))}, x)
        >>> theta(jnp.ones((2, 3)))[0]  # x xᵀ in each output
        array([110., 110., 110.], dtype=float32)
        >>> theta.pull(jnp.ones((2, 3)))["w"].shape
        (5, 3)

    Raises:
        InputError: shapes or values that do not fit, an unknown choice of trainable weights.
    """

    def __init__(
        self,
        apply: Apply,
        params: Params,
        x: Array,
        *,
        trainable: Trainable = "all",
        batch_size: int = 128,
        devices: DeviceChoice = None,
    ) -> None:
        check_inputs(params, x)
        function = as_function(apply)
        n_outputs(function, params, x)
        self.x, self.n = x, x.shape[0]
        self.chosen, frozen = split(params, trainable)
        self.dtype = np.result_type(*(leaf.dtype for leaf in jax.tree.leaves(params)))
        self.shared = (function, self.chosen, frozen)
        self.devices = sharding.local(devices)
        size = balanced_size(self.n, batch_size * len(self.devices))
        self.size = size + -size % len(self.devices)

    def pull(self, v: Float[Array, "n C"]) -> Params:
        """Jᵀ v: tree of the trainable weights, None elsewhere."""
        check_inputs({}, self.x, v)
        start, add, finish = sharding.sum_examples(_pull, self.devices)
        total = start(self.chosen)
        for first in sharding.my_share(range(0, self.n, self.size)):
            block = np.asarray(v[first : first + self.size], self.dtype)
            missing = self.size - len(block)
            cotangent = np.concatenate([block, np.zeros((missing, block.shape[1]), self.dtype)])
            total = add(total, self.shared, (self._samples(first), cotangent))
        return finish(total)

    def push(self, w: Params) -> Float[np.ndarray, "n C"]:
        """J w for a tree as `pull` returns it."""
        push = sharding.map_examples(_push, self.devices)
        blocks = [push((*self.shared, w), self._samples(first)) for first in range(0, self.n, self.size)]
        return np.concatenate([np.asarray(block).reshape(self.size, -1) for block in blocks])[: self.n]

    def __call__(self, v: Float[Array, "n C"]) -> Float[np.ndarray, "n C"]:
        """Theta v = J (Jᵀ v)."""
        return self.push(self.pull(v))

    def _samples(self, first: int) -> np.ndarray:
        return np.asarray(padded(self.x[first : first + self.size], self.size))


def vector_products_gram(
    function: ModelFunction,
    chosen: Params,
    frozen: Params,
    x1: Array,
    x2: Array | None,
    combinations: Float[np.ndarray | jax.Array, "p q"],
    *,
    of: str,
    full: bool,
    batch_size: int = 128,
    devices: DeviceChoice = None,
) -> Float[np.ndarray, "n1 n2"] | Float[np.ndarray, "n1 p n2 p"]:
    """Column after column: one gradient g_k(x_j), then its product with all rows by tangents over x1.

    The least memory of all methods: one gradient (P numbers) and the activations of one batch, whatever p is.
    Cost: n2 p times (a reverse pass on one sample and a tangent pass over x1).
    """
    used = sharding.local(devices)
    n1, other = x1.shape[0], x1 if x2 is None else x2
    count, dtype = len(combinations), kernel_dtype(chosen)
    kernel = np.zeros((n1, count, other.shape[0], count) if full else (n1, other.shape[0]), dtype)
    size = balanced_size(n1, batch_size * len(used))
    size += -size % len(used)
    pull, push = _SINGLE[of], sharding.map_examples(_PUSHED[of], used)
    for j in sharding.my_share(range(other.shape[0])):
        for k in range(count):
            row = pull(function, chosen, frozen, combinations[k], np.asarray(other[j : j + 1]))
            for start in range(0, n1, size):
                if x2 is None and start + size <= j:
                    continue  # above the diagonal: by symmetry
                shared = (function, chosen, frozen, row)
                block = np.asarray(push(shared, np.asarray(padded(x1[start : start + size], size))))
                block = (block.reshape(size, -1).astype(dtype) @ np.asarray(combinations, dtype).T)[: n1 - start]
                if full:
                    kernel[start : start + size, :, j, k] = block
                else:
                    kernel[start : start + size, j] += block[:, k]
    kernel = sharding.sum_over_processes(kernel)
    if x2 is not None:
        return kernel
    flat = kernel.reshape(n1 * count if full else n1, -1)
    return (np.tril(flat) + np.tril(flat, -1).T).reshape(kernel.shape)


def _single(of: str) -> Callable[..., Any]:
    @jax.jit
    def gradient(function: Any, chosen: Any, frozen: Any, combination: Any, x: Any) -> Any:
        h = output_function(of, jax.tree.structure(chosen))
        leaves, structure = jax.tree.flatten(chosen)
        return jax.tree.unflatten(
            structure, jax.grad(lambda values: jnp.vdot(combination, h(values, (function, frozen), x[0])))(leaves)
        )

    return gradient


def _pushed(of: str) -> Callable[..., Any]:
    def push(shared: Any, x: Any) -> Any:
        function, chosen, frozen, direction = shared
        outputs = function.features if of == "features" else function
        return jax.jvp(lambda w: outputs(merge(w, frozen), x), (chosen,), (direction,))[1]

    return push


_SINGLE = {of: _single(of) for of in ("logits", "features")}
_PUSHED = {of: _pushed(of) for of in ("logits", "features")}


def _pull(shared: Any, block: Any) -> Params:
    function, chosen, frozen = shared
    x, cotangent = block
    _, pull = jax.vjp(lambda w: function(merge(w, frozen), x), chosen)
    return pull(cotangent)[0]


def _push(shared: Any, x: Any) -> jax.Array:
    function, chosen, frozen, direction = shared
    return jax.jvp(lambda w: function(merge(w, frozen), x), (chosen,), (direction,))[1]
