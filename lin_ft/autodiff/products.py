"""Dense layers and convolutions as matrix products: out = X W, so dW = Xᵀ G for an output cotangent G.

For one example, X is (T, groups, K) and G is (T, groups, O), where T counts positions (1 for a dense layer on
features, tokens, or pixels of the output), K the inputs that meet at a position (k k c_in / groups for a
convolution: the patches of the padded image) and O the outputs of a group.
"""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from lin_ft.typing import Array


@dataclass(frozen=True)
class Product:
    """One use of a weight, by its sizes and by its three reorderings."""

    kind: tuple[Any, ...]
    """Equal for uses of one weight whose X and G may be joined along T."""
    positions: int
    groups: int
    inner: int
    outer: int
    inputs: Callable[[Array], Array]
    """Data of one example -> X, (T, groups, K)."""
    cotangents: Callable[[Array], Array]
    """Cotangent of the output -> G, (T, groups, O)."""
    gradient: Callable[[Array], Array]
    """Xᵀ G, (K, groups, O) -> dW in the shape of the weight."""
    separable: "Product | None" = None
    """The same gradient from X at the offsets of a row alone and G at those of a column alone: its product is square
    and its copies are the root of the window as large, but G's too, which pays for one combination."""


def product(equation: Any, position: int) -> Product | None:
    """The weight is input no. `position` of `equation`, the data is the other; None for what has no such form."""
    data, weight = (equation.invars[index].aval.shape for index in (1 - position, position))
    out = equation.outvars[0].aval.shape
    if equation.primitive.name == "dot_general":
        return _dense(equation.params, position, data, weight)
    if equation.primitive.name == "conv_general_dilated" and position == 1:
        return _convolution(equation.params, data, weight, out)
    return None


def _dense(parameters: dict[str, Any], position: int, data: tuple, weight: tuple) -> Product | None:
    contracting, batch = parameters["dimension_numbers"]
    if batch[0]:  # one weight matrix for each entry of the data
        return None
    axes, data_axes = tuple(contracting[position]), tuple(contracting[1 - position])
    free = tuple(axis for axis in range(len(weight)) if axis not in axes)
    data_free = tuple(axis for axis in range(len(data)) if axis not in data_axes)
    inner, outer = math.prod(weight[axis] for axis in axes), math.prod(weight[axis] for axis in free)
    positions = math.prod(data[axis] for axis in data_free)
    order = (*axes, *free)

    def cotangents(cotangent: Any) -> Any:
        if position == 0:  # the weight's own axes come first
            return cotangent.reshape(outer, positions).T[:, None]
        return cotangent.reshape(positions, 1, outer)

    return Product(
        kind=("dense", axes),
        positions=positions,
        groups=1,
        inner=inner,
        outer=outer,
        inputs=lambda x: jnp.transpose(x, (*data_free, *data_axes)).reshape(positions, 1, inner),
        cotangents=cotangents,
        gradient=lambda dw: jnp.transpose(dw.reshape([weight[axis] for axis in order]), tuple(np.argsort(order))),
    )


def _convolution(parameters: dict[str, Any], data: tuple, weight: tuple, out: tuple) -> Product | None:
    rank = len(weight) - 2
    spatial = tuple(range(1, rank + 1))
    channels_last = ((0, rank + 1, *spatial), (rank + 1, rank, *range(rank)), (0, rank + 1, *spatial))  # as in Flax
    if (
        tuple(map(tuple, parameters["dimension_numbers"])) != channels_last
        or parameters["batch_group_count"] != 1
        or set(parameters["lhs_dilation"]) != {1}
        or min((low for pair in parameters["padding"] for low in pair), default=0) < 0
    ):
        return None
    groups = parameters["feature_group_count"]
    padding, strides = parameters["padding"], parameters["window_strides"]
    positions, inner, outer = math.prod(out[:-1]), math.prod(weight[:-1]), weight[-1] // groups
    dilation = parameters["rhs_dilation"]

    def inputs(x: Any) -> Any:
        patches = _patches(jnp.pad(x, ((0, 0), *padding, (0, 0))), weight[:-2], out[1:-1], strides, dilation)
        # (positions, offsets, c_in) -> (positions, groups, offsets x c_in / groups)
        patches = patches.reshape(positions, -1, groups, data[-1] // groups)
        return jnp.swapaxes(patches, 1, 2).reshape(positions, groups, inner)

    plain = rank == 2 and groups == 1 and set(strides) == set(dilation) == {1} and min(weight[:2]) > 1
    return Product(
        kind=("convolution", groups),
        positions=positions,
        groups=groups,
        inner=inner,
        outer=outer,
        inputs=inputs,
        cotangents=lambda cotangent: cotangent.reshape(positions, groups, outer),
        gradient=lambda dw: dw.reshape(weight),
        separable=_separable(padding, weight, out) if plain else None,
    )


def _separable(padding: Any, weight: tuple, out: tuple) -> Product:
    """dW[a, b] = sum over r, w of x[r, w + b] G[r - a, w], with x as (h_in, w_out, b, c), G as (h_in, w_out, a, o)."""
    height, width, c_in, c_out = weight
    _, h_out, w_out, _ = out
    h_in = h_out + height - 1

    def inputs(x: Any) -> Any:
        padded = jnp.pad(x[0], (*padding, (0, 0)))
        shifted = [padded[:, b : b + w_out] for b in range(width)]
        return jnp.stack(shifted, axis=2).reshape(h_in * w_out, 1, width * c_in)

    def cotangents(cotangent: Any) -> Any:
        g = cotangent.reshape(h_out, w_out, c_out)
        shifted = [jnp.pad(g, ((a, height - 1 - a), (0, 0), (0, 0))) for a in range(height)]
        return jnp.stack(shifted, axis=2).reshape(h_in * w_out, 1, height * c_out)

    def gradient(dw: Any) -> Any:
        return dw.reshape(width, c_in, height, c_out).transpose(2, 0, 1, 3)

    return Product(
        kind=("separable convolution",),
        positions=h_in * w_out,
        groups=1,
        inner=width * c_in,
        outer=height * c_out,
        inputs=inputs,
        cotangents=cotangents,
        gradient=gradient,
    )


def _patches(
    padded: Float[Array, "b *size c"], window: tuple, size: tuple, strides: tuple, dilation: tuple
) -> Float[Array, "T offsets c"]:
    """The pixels under each offset of the window, for each position of the output."""
    shifted = []
    for offset in itertools.product(*map(range, window)):
        slices = tuple(
            slice(o * d, o * d + s * (n - 1) + 1, s) for o, d, s, n in zip(offset, dilation, strides, size, strict=True)
        )
        shifted.append(padded[(slice(None), *slices)].reshape(-1, padded.shape[-1]))
    return jnp.stack(shifted, axis=1)
