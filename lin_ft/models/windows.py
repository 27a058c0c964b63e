"""Sliding windows as k * k shifted copies of the image: depthwise convolution and pooling in the form a CPU runs fast.

XLA's grouped convolution is slow on the CPU: shifted multiply-adds were 7 to 83 times faster forward, 2 to 19 times in
the gradient (8 images, 8 shapes of MobileNetV2, EfficientNet and ConvNeXt, one core), max pooling 4.5 and 8 times. On
other devices the library's own operations are used.
"""

import functools
from collections.abc import Iterator
from typing import Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lin_ft.autodiff.depthwise import depthwise

Padding = Literal["torch", "same", "even"]
"""`torch`: (k - 1) // 2 rows on every side. `same`: as many as ceil(side / stride) outputs need, the odd one at the end
(TensorFlow, Keras). `even`: what `same` gives on even sides, whatever the side (transformers' EfficientNet)."""


def padding_of(side: int, window: int, stride: int, padding: Padding) -> tuple[int, int]:
    """Rows to add before and after `side`."""
    if padding == "torch":
        return (window - 1) // 2, (window - 1) // 2
    if padding == "even" and stride == 2:
        return window // 2 - 1, window // 2
    missing = max((-(-side // stride) - 1) * stride + window - side, 0)
    return missing // 2, missing - missing // 2


def paddings(x: Any, window: int, stride: int, padding: Padding) -> tuple[tuple[int, int], tuple[int, int]]:
    """`padding_of` the height and the width of x, (n, h, w, c), as nn.Conv takes them."""
    return padding_of(x.shape[1], window, stride, padding), padding_of(x.shape[2], window, stride, padding)


def windows(
    x: Float[Array, "n h w c"], window: int, stride: int, pads: Any, value: float = 0.0
) -> Iterator[tuple[int, int, Float[Array, "n h2 w2 c"]]]:
    """(i, j, the pixels that offset (i, j) of the window meets), for every offset; `value` fills the border."""
    x = jnp.pad(x, ((0, 0), *pads, (0, 0)), constant_values=value)
    height, width = ((side - window) // stride * stride + 1 for side in x.shape[1:3])
    for i in range(window):
        for j in range(window):
            yield i, j, x[:, i : i + height : stride, j : j + width : stride]


class DepthwiseConv(nn.Module):
    """out[., ., c] = x[., ., c] * kernel[:, :, 0, c]: one k x k filter a channel, kernel (k, k, 1, c)."""

    window: int
    stride: int = 1
    padding: Padding = "torch"
    use_bias: bool = False

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"]) -> Float[Array, "n h2 w2 c"]:
        channels = x.shape[-1]
        initial = nn.initializers.variance_scaling(2.0, "fan_out", "truncated_normal", in_axis=2)
        kernel = self.param("kernel", initial, (self.window, self.window, 1, channels))
        pads = paddings(x, self.window, self.stride, self.padding)
        if jax.default_backend() == "cpu":
            out = jnp.asarray(depthwise(x, kernel, self.stride, pads))
        else:
            out = jax.lax.conv_general_dilated(
                x, kernel, (self.stride, self.stride), pads, feature_group_count=channels,
                dimension_numbers=("NHWC", "HWIO", "NHWC"),
            )  # fmt: skip
        if self.use_bias:
            out += self.param("bias", nn.initializers.zeros, (channels,))[None, None, None]
        return out


def max_pool(x: Float[Array, "n h w c"], window: int, stride: int, pads: Any) -> Float[Array, "n h2 w2 c"]:
    """The largest value of each window; the border counts as minus infinity."""
    if jax.default_backend() == "cpu":
        return functools.reduce(jnp.maximum, (pixels for *_, pixels in windows(x, window, stride, pads, -jnp.inf)))
    return nn.max_pool(x, (window, window), (stride, stride), pads)
