"""The empirical NTK as a pure JAX function of weights and samples: to compose, to differentiate, to check others by."""

import functools
import math
from collections.abc import Callable, Sequence
from string import ascii_lowercase
from typing import Any

import jax
import jax.numpy as jnp

from lin_ft.errors import InputError
from lin_ft.trainable import Trainable, merge, split
from lin_ft.typing import Params

KernelFunction = Callable[..., jax.Array]
"""(params, x1, x2=None) -> kernel"""


def ntk(
    apply: Callable[[Params, Any], Any],
    *,
    trace_axes: Sequence[int] | None = None,
    diagonal_axes: Sequence[int] = (),
    trainable: Trainable = "all",
    batch_size: int | None = None,
) -> KernelFunction:
    """kernel_fn(params, x1, x2=None): Theta = J(x1) J(x2)ᵀ, J = df/dw, for use under `jit`, `vmap`, `grad`.

    f(x; w) = `apply(params, x)` has any rank, `(n, *out)`; x is an array or a tree of arrays, samples on the first axis
    of each. x2=None: x1 itself. The axes of f (0: samples) take one of three forms:

    - plain: once for x1 and once for x2;
    - `trace_axes`: the mean over equal indices on both sides; None: the last axis, if f has rank 2 or more;
    - `diagonal_axes`: equal indices only, once in the result. With axis 0, x1[i] meets x2[i] alone.

    The result has the plain and diagonal axes of f(x1) in their order, then the plain axes of f(x2):

    - for f of (n, C): (n1, n2), as `gram(output="trace")`;
    - `trace_axes=()`: (n1, C, n2, C), as `gram(output="full")`;
    - `diagonal_axes=(0,)`: (n,), mean_c ||df_c(x_i)/dw||², the squared gradient norms, in O(n).

    `batch_size`: samples of x1 at a time (`jax.lax.map`); None: all.

    Cost: C reverse passes for each sample of x1 and x2. Memory: gradients, C P numbers for each sample of x2 and of a
    batch of x1 (with axis 0 diagonal of the batch alone). For kernels that need not be differentiated `gram` takes a
    fraction of the time and memory.

    Args:
        apply: (params, x) -> array.
        trace_axes: of f, averaged over.
        diagonal_axes: of f, taken at equal indices.
        trainable: which weights train: "all", "head", "norm", "last_block" or a predicate on paths.
        batch_size: samples of x1 at a time.

    Examples:
        >>> import jax, jax.numpy as jnp
        >>> from lin_ft.kernels import ntk
        >>> def apply(params, x):
        ...     return jnp.tanh(x @ params["w"]) @ params["v"]
        >>> params = {"w": jnp.ones((5, 4)), "v": jnp.eye(4, 3)}
        >>> x = jnp.arange(10.0).reshape(2, 5)
        >>> jax.jit(ntk(apply))(params, x).shape
        (2, 2)
        >>> ntk(apply, trace_axes=())(params, x, x[:1]).shape
        (2, 3, 1, 3)
        >>> ntk(apply, diagonal_axes=(0,))(params, x).shape
        (2,)
        >>> jax.grad(lambda p: ntk(apply)(p, x).sum())(params)["w"].shape  # a kernel can be trained
        (5, 4)

    Raises:
        InputError: (while tracing) axes that f does not have or that are named twice, axis 0 traced, samples whose
            numbers do not agree, outputs that are not one array, an unknown choice of weights.
    """

    def kernel_fn(params: Params, x1: Any, x2: Any = None) -> jax.Array:
        shape = _output_shape(apply, params, x1)
        left, right, out = _subscripts(len(shape), trace_axes, diagonal_axes)
        averaged = math.prod(size for size, axis in zip(shape, left, strict=True) if axis not in out)
        chosen, frozen = split(params, trainable)
        leaves, structure = jax.tree.flatten(chosen)
        n1, n2 = _count(x1), _count(x1 if x2 is None else x2)

        def each(function: Callable[[Any], Any], items: Any) -> Any:
            if batch_size is None:
                return jax.vmap(function)(items)
            return jax.lax.map(function, items, batch_size=max(1, min(n1, batch_size)))

        def rows(xi: Any) -> list[jax.Array]:
            """df(x_i)/dw, for each leaf (*out, size)."""

            def f(values: list[Any]) -> Any:
                weights = merge(jax.tree.unflatten(structure, values), frozen)
                return apply(weights, jax.tree.map(lambda leaf: leaf[None], xi))[0]

            return [leaf.reshape(*shape[1:], -1) for leaf in jax.jacrev(f)(leaves)]

        def contracted(rows1: list[jax.Array], rows2: list[jax.Array], subscripts: str) -> jax.Array:
            pairs = zip(rows1, rows2, strict=True)
            products = [jnp.einsum(subscripts, a, b, precision=jax.lax.Precision.HIGHEST) for a, b in pairs]
            return functools.reduce(jnp.add, products) / averaged

        x1 = jax.tree.map(jnp.asarray, x1)
        if left[0] == right[0]:  # x1[i] meets x2[i] alone
            if n1 != n2:
                raise InputError(f"With axis 0 diagonal x1 and x2 need the same number of samples, not {n1} and {n2}.")
            one_to_one = f"{left[1:]}Z,{right[1:]}Z->{out[1:]}"
            if x2 is None:
                return each(lambda xi: contracted(own := rows(xi), own, one_to_one), x1)
            return each(lambda pair: contracted(rows(pair[0]), rows(pair[1]), one_to_one), (x1, x2))
        one_to_all = f"{left[1:]}Z,{right}Z->{out[1:]}"
        all_rows = jax.vmap(rows)(x1 if x2 is None else x2)
        if x2 is None:
            return each(lambda own: contracted(own, all_rows, one_to_all), all_rows)
        return each(lambda xi: contracted(rows(xi), all_rows, one_to_all), x1)

    return kernel_fn


def _subscripts(rank: int, trace_axes: Sequence[int] | None, diagonal_axes: Sequence[int]) -> tuple[str, str, str]:
    """The axes of f(x1), of f(x2) and of the result, a letter each."""
    traced = _axes(rank, ((-1,) if rank > 1 else ()) if trace_axes is None else trace_axes, "trace_axes")
    diagonal = _axes(rank, diagonal_axes, "diagonal_axes")
    if both := traced & diagonal:
        raise InputError(f"Axes {sorted(both)} are in trace_axes and in diagonal_axes; each axis takes one form.")
    if 0 in traced:
        raise InputError("Axis 0 counts the samples: it may be in diagonal_axes, but not in trace_axes.")
    left = ascii_lowercase[:rank]
    right = "".join(axis if i in traced | diagonal else axis.upper() for i, axis in enumerate(left))
    kept = "".join(axis for i, axis in enumerate(left) if i not in traced)
    return left, right, kept + "".join(axis for axis in right if axis.isupper())


def _axes(rank: int, axes: Sequence[int], name: str) -> set[int]:
    if wrong := [axis for axis in axes if not -rank <= axis < rank]:
        raise InputError(f"{name}: the function's outputs have {rank} axes, samples included, so there is no {wrong}.")
    found = {axis % rank for axis in axes}
    if len(found) < len(tuple(axes)):
        raise InputError(f"{name}: {tuple(axes)} name an axis twice.")
    return found


def _count(x: Any) -> int:
    counts = {jnp.shape(leaf)[:1] for leaf in jax.tree.leaves(x)}
    if len(counts) != 1 or counts == {()} or counts == {(0,)}:
        shapes = ", ".join(str(jnp.shape(leaf)) for leaf in jax.tree.leaves(x))
        raise InputError(
            f"The samples' arrays need one and the same first axis, of 1 or more; they are {shapes or 'none'}."
        )
    return counts.pop()[0]


def _output_shape(apply: Callable[[Params, Any], Any], params: Params, x: Any) -> tuple[int, ...]:
    """Of the outputs for one sample, (1, *out)."""
    _count(x)
    one = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((1, *jnp.shape(leaf)[1:]), jnp.result_type(leaf)), x)
    out = jax.eval_shape(apply, params, one)
    if not hasattr(out, "shape") or out.shape[:1] != (1,) or not jnp.issubdtype(out.dtype, jnp.floating):
        found = f"{out.dtype} {out.shape}" if hasattr(out, "shape") else f"a {type(out).__name__}"
        raise InputError(
            f"For one sample the function gives {found}; one array of floating-point numbers (1, ...) is due."
        )
    return out.shape
