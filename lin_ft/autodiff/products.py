"""Dense layers and convolutions as matrix products: out = X W, so dW = Xᵀ G for an output cotangent G.

For one example, X is (T, groups, K) and G is (T, groups, O), where T counts positions (1 for a dense layer on
features, tokens, or pixels of the output), K the inputs that meet at a position (k k c_in / groups for a
convolution: the patches of the padded image) and O the outputs of a group.
"""

import itertools
import math
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from lin_ft.autodiff.depthwise import Geometry, geometry, kernel_gradients
from lin_ft.typing import Array

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Product:
    """One use of a weight, by its sizes and by its reorderings. Equal sizes and axes are equal products."""

    kind: tuple[Any, ...]
    """Equal for uses of one weight whose X and G may be joined along T."""
    positions: int
    groups: int
    inner: int
    outer: int

    @property
    def separable(self) -> "Product | None":
        """The same gradient from X at the offsets of a row alone and G at those of a column alone.

        Its product is square and its copies are the root of the window as large, but G's too, which pays for one
        combination.
        """
        return None

    @property
    def offsets(self) -> int:
        """Places of the window under which X is taken: K = offsets x inputs of one place."""
        return 1

    def inputs(self, data: Array) -> Array:
        """Data of one example -> X, (T, groups, K)."""
        raise NotImplementedError

    def inputs_at(self, data: Array, offset: Any) -> Array:
        """X under one offset of the window, which may be traced, (T, K / offsets); for products of one group."""
        return self.inputs(data)[:, 0]

    def cotangents(self, cotangent: Array) -> Array:
        """Cotangent of the output of one example -> G, (T, groups, O)."""
        raise NotImplementedError

    def gradient(self, dw: Array) -> Array:
        """Xᵀ G, (K, groups, O) -> dW in the shape of the weight."""
        raise NotImplementedError

    def gradients(self, data: Array, cotangents: Array) -> Array | None:
        """(n, *data), (n, p, *output) -> dW, (n, p, *weight), where a way is faster than by X and G; else None."""
        return None


def product(equation: Any, position: int) -> Product | None:
    """The weight is input no. `position` of `equation`, the data is the other; None for what has no such form."""
    data, weight = (equation.invars[index].aval.shape for index in (1 - position, position))
    out = equation.outvars[0].aval.shape
    how = geometry(equation)
    if how is not None:
        return _depthwise(how, weight, out) if position == 1 else None
    if equation.primitive.name == "dot_general":
        return _dense(equation.params, position, data, weight)
    if equation.primitive.name == "conv_general_dilated" and position == 1:
        return _convolution(equation.params, data, weight, out)
    return None


@dataclass(frozen=True)
class Dense(Product):
    """A matrix product of data and weight, with any axes contracted: dW = Xᵀ G, X (T, inner), G (T, outer)."""

    weight: Shape
    axes: Shape
    """Of the weight: those that meet the data, then those of the output."""
    data_axes: Shape
    """Of the data: those of the positions, then those that meet the weight."""
    weight_first: bool

    def inputs(self, data: Array) -> Array:
        """X: the data with the axes that meet the weight last, (T, 1, inner)."""
        return jnp.transpose(data, self.data_axes).reshape(self.positions, 1, self.inner)

    def cotangents(self, cotangent: Array) -> Array:
        """G: the output's cotangent with the weight's own axes last, (T, 1, outer)."""
        if self.weight_first:  # the weight's own axes come first
            return cotangent.reshape(self.outer, self.positions).T[:, None]
        return cotangent.reshape(self.positions, 1, self.outer)

    def gradient(self, dw: Array) -> Array:
        """The weight's gradient, with its axes in their places, from the product (inner, outer)."""
        shaped = dw.reshape([self.weight[axis] for axis in self.axes])
        return jnp.transpose(shaped, tuple(np.argsort(self.axes)))


def _dense(parameters: dict[str, Any], position: int, data: Shape, weight: Shape) -> Product | None:
    contracting, batch = parameters["dimension_numbers"]
    if batch[0]:  # one weight matrix for each entry of the data
        return None
    axes, data_axes = tuple(contracting[position]), tuple(contracting[1 - position])
    free = tuple(axis for axis in range(len(weight)) if axis not in axes)
    data_free = tuple(axis for axis in range(len(data)) if axis not in data_axes)
    return Dense(
        kind=("dense", axes),
        positions=math.prod(data[axis] for axis in data_free),
        groups=1,
        inner=math.prod(weight[axis] for axis in axes),
        outer=math.prod(weight[axis] for axis in free),
        weight=weight,
        axes=(*axes, *free),
        data_axes=(*data_free, *data_axes),
        weight_first=position == 0,
    )


@dataclass(frozen=True)
class Convolution(Product):
    """Channels last, any number of spatial axes."""

    weight: Shape
    out: Shape
    channels: int
    padding: tuple[tuple[int, int], ...]
    strides: Shape
    dilation: Shape

    @property
    def window(self) -> Shape:
        """Side lengths of the kernel."""
        return self.weight[:-2]

    @property
    def offsets(self) -> int:
        """Places in the window."""
        return math.prod(self.window)

    @property
    def separable(self) -> Product | None:
        """A row at a time, for two spatial axes without groups, strides or dilation; else None."""
        plain = len(self.window) == 2 and self.groups == 1 and {*self.strides, *self.dilation} == {1}
        if not plain or min(self.window) < 2:
            return None
        height, width, c_in, c_out = self.weight
        return Separable(
            kind=("separable convolution",),
            positions=(self.out[1] + height - 1) * self.out[2],
            groups=1,
            inner=width * c_in,
            outer=height * c_out,
            weight=self.weight,
            out=self.out,
            padding=self.padding,
        )

    def inputs(self, data: Array) -> Array:
        """X: what lies under the window at each position, (T, groups, offsets x channels of a group)."""
        padded = self._padded(data)
        places = itertools.product(*map(range, self.window))
        shifted = [self._under(padded, place) for place in places]
        # (positions, offsets, c_in) -> (positions, groups, offsets x c_in / groups)
        patches = jnp.stack(shifted, axis=1)
        patches = patches.reshape(self.positions, -1, self.groups, self.channels // self.groups)
        return jnp.swapaxes(patches, 1, 2).reshape(self.positions, self.groups, self.inner)

    def inputs_at(self, data: Array, offset: Any) -> Array:
        """The part of X under the place number `offset` of the window, (T, channels)."""
        return self._under(self._padded(data), jnp.unravel_index(offset, self.window))

    def cotangents(self, cotangent: Array) -> Array:
        """G: the output's cotangent, (T, groups, outer)."""
        return cotangent.reshape(self.positions, self.groups, self.outer)

    def gradient(self, dw: Array) -> Array:
        """The kernel's gradient from the product."""
        return dw.reshape(self.weight)

    def _padded(self, data: Array) -> Array:
        return jnp.pad(data, ((0, 0), *self.padding, (0, 0)))

    def _under(self, padded: Array, place: Any) -> Array:
        """The pixels under one place of the window, for each position of the output, (T, c_in)."""
        start = [index * step for index, step in zip(place, self.dilation, strict=True)]
        extent = [step * (size - 1) + 1 for step, size in zip(self.strides, self.out[1:-1], strict=True)]
        if all(isinstance(index, int) for index in place):
            under = padded[(slice(None), *(slice(s, s + e) for s, e in zip(start, extent, strict=True)))]
        else:
            zero = jnp.zeros_like(start[0])
            under = jax.lax.dynamic_slice(padded, (zero, *start, zero), (len(padded), *extent, self.channels))
        every = tuple(slice(None, None, step) for step in self.strides)
        return under[(slice(None), *every)].reshape(self.positions, self.channels)


def _convolution(parameters: dict[str, Any], data: Shape, weight: Shape, out: Shape) -> Product | None:
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
    return Convolution(
        kind=("convolution", groups),
        positions=math.prod(out[:-1]),
        groups=groups,
        inner=math.prod(weight[:-1]),
        outer=weight[-1] // groups,
        weight=weight,
        out=out,
        channels=data[-1],
        padding=tuple(map(tuple, parameters["padding"])),
        strides=tuple(parameters["window_strides"]),
        dilation=tuple(parameters["rhs_dilation"]),
    )


@dataclass(frozen=True)
class Depthwise(Product):
    """One window a channel; one position's X is the window itself."""

    how: Geometry
    weight: Shape
    out: Shape

    def inputs(self, data: Array) -> Array:
        """Data of one example -> X, (T, channels, k k)."""
        size, step = self.weight[0], slice(None, None, self.how.stride)
        padded = jnp.pad(data, ((0, 0), *self.how.pads, (0, 0)))
        height, width = (self.how.stride * (side - 1) + 1 for side in self.out[1:3])
        places = itertools.product(range(size), range(size))
        under = [padded[:, i : i + height, j : j + width][:, step, step] for i, j in places]
        patches = jnp.stack(under, axis=-1)  # (1, h2, w2, c, k k)
        return patches.reshape(self.positions, self.groups, self.inner)

    def cotangents(self, cotangent: Array) -> Array:
        """Cotangent of the output of one example -> G, (T, channels, 1)."""
        return cotangent.reshape(self.positions, self.groups, 1)

    def gradient(self, dw: Array) -> Array:
        """(k k, channels, 1) -> dW, (k, k, 1, channels)."""
        return jnp.swapaxes(dw, 1, 2).reshape(self.weight)

    def gradients(self, data: Array, cotangents: Array) -> Array | None:
        """By `lin_ft.autodiff.depthwise.kernel_gradients`."""
        return kernel_gradients(data, cotangents, self.how, self.weight[0])


def _depthwise(how: Geometry, weight: Shape, out: Shape) -> Product:
    return Depthwise(
        kind=("depthwise",),
        positions=math.prod(out[:-1]),
        groups=out[-1],
        inner=math.prod(weight[:2]),
        outer=1,
        how=how,
        weight=weight,
        out=out,
    )


@dataclass(frozen=True)
class Separable(Product):
    """dW[a, b] = sum over r, w of x[r, w + b] G[r - a, w], with x as (h_in, w_out, b, c), G as (h_in, w_out, a, o)."""

    weight: Shape
    out: Shape
    padding: tuple[tuple[int, int], ...]

    def inputs(self, data: Float[Array, "1 h w c"]) -> Array:
        """X: what lies under a row of the window, for every row of the padded data, (T, 1, width x channels)."""
        padded, width = jnp.pad(data[0], (*self.padding, (0, 0))), self.out[2]
        shifted = [padded[:, b : b + width] for b in range(self.weight[1])]
        return jnp.stack(shifted, axis=2).reshape(self.positions, 1, self.inner)

    def cotangents(self, cotangent: Array) -> Array:
        """G: the cotangents that a row of data meets, one for each row of the window, (T, 1, height x outputs)."""
        g, height = cotangent.reshape(self.out[1:]), self.weight[0]
        shifted = [jnp.pad(g, ((a, height - 1 - a), (0, 0), (0, 0))) for a in range(height)]
        return jnp.stack(shifted, axis=2).reshape(self.positions, 1, self.outer)

    def gradient(self, dw: Array) -> Array:
        """The kernel's gradient, its axes in their places, from the product."""
        height, width, c_in, c_out = self.weight
        return dw.reshape(width, c_in, height, c_out).transpose(2, 0, 1, 3)
