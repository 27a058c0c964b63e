"""MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381, table 2) in Flax linen."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from lin_ft.models.activations import ACTIVATIONS
from lin_ft.models.windows import DepthwiseConv, Padding, paddings

STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, channels, blocks, stride of the first block."""


def rounded(channels: float, divisor: int = 8) -> int:
    """The nearest multiple of `divisor`, but never less than 90 % of `channels`."""
    nearest = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return nearest + divisor if nearest < 0.9 * channels else nearest


class InvertedResidual(nn.Module):
    """1x1 to `expansion` times the channels, depthwise 3x3, linear 1x1; added to x where the shapes agree."""

    width: int
    stride: int
    expansion: int
    padding: Padding
    epsilon: float
    activation: str

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"], train: bool = False) -> Float[Array, "n h2 w2 c2"]:
        def norm(name: str) -> nn.BatchNorm:
            return nn.BatchNorm(use_running_average=not train, momentum=0.9, epsilon=self.epsilon, name=name)

        activation = ACTIVATIONS[self.activation]
        y = x
        if self.expansion > 1:
            y = nn.Conv(self.expansion * x.shape[-1], (1, 1), use_bias=False, name="expand")(y)
            y = activation(norm("expand_norm")(y))
        y = DepthwiseConv(3, self.stride, self.padding, name="depthwise")(y)
        y = activation(norm("depthwise_norm")(y))
        y = nn.Conv(self.width, (1, 1), use_bias=False, name="project")(y)
        y = norm("project_norm")(y)
        return x + y if x.shape == y.shape else y


class MobileNetV2(nn.Module):
    """17 inverted residuals: any side from 32 pixels, three channels, `multiplier` times the channels of the paper.

    `features` gives phi, the (n, d) globally averaged last activations; `__call__` gives logits = phi W + b. `padding`
    and `epsilon` (of BatchNorm) differ between PyTorch (the defaults) and TensorFlow ("same", 0.001).
    `activation` is one of ACTIVATIONS.
    """

    n_classes: int
    multiplier: float = 1.0
    padding: Padding = "torch"
    epsilon: float = 1e-5
    activation: str = "relu6"

    def setup(self):
        self.stem = nn.Conv(rounded(32 * self.multiplier), (3, 3), 2, padding="VALID", use_bias=False)
        self.stem_norm = nn.BatchNorm(momentum=0.9, epsilon=self.epsilon)
        specs = [
            (rounded(channels * self.multiplier), stride if index == 0 else 1, expansion)
            for expansion, channels, depth, stride in STAGES
            for index in range(depth)
        ]
        self.blocks = [
            InvertedResidual(*spec, self.padding, self.epsilon, self.activation, name=f"block{index + 1}")
            for index, spec in enumerate(specs)
        ]
        self.last = nn.Conv(rounded(1280 * max(1.0, self.multiplier)), (1, 1), use_bias=False)
        self.last_norm = nn.BatchNorm(momentum=0.9, epsilon=self.epsilon)
        self.head = nn.Dense(self.n_classes)

    def features(self, x: Float[Array, "n h w 3"], train: bool = False) -> Float[Array, "n d"]:
        x = jnp.pad(x, ((0, 0), *paddings(x, 3, 2, self.padding), (0, 0)))
        x = ACTIVATIONS[self.activation](self.stem_norm(self.stem(x), use_running_average=not train))
        for block in self.blocks:
            x = block(x, train)
        x = ACTIVATIONS[self.activation](self.last_norm(self.last(x), use_running_average=not train))
        return x.mean((1, 2))

    def __call__(self, x: Float[Array, "n h w 3"], train: bool = False) -> Float[Array, "n C"]:
        return self.head(self.features(x, train))


def mobilenet_v2(n_classes: int, **options) -> MobileNetV2:
    """3.5 million parameters with 1,000 classes, d = 1,280.

    Examples:
        >>> import jax
        >>> from lin_ft.models import mobilenet_v2
        >>> image = jax.ShapeDtypeStruct((1, 224, 224, 3), "float32")
        >>> network = mobilenet_v2(n_classes=10)
        >>> features = lambda x: network.init_with_output(jax.random.key(0), x, method="features")[0]
        >>> jax.eval_shape(features, image).shape  # without computing anything
        (1, 1280)
    """
    return MobileNetV2(n_classes, **options)
