"""EfficientNet-B0 (Tan and Le 2019, arXiv 1905.11946, table 1) and its Lite forms in Flax linen.

Lite (published by TensorFlow in 2020): relu6 in place of SiLU, no squeeze-and-excitation, stem and last convolution of
fixed width.
"""

import math

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from lin_ft.models.activations import ACTIVATIONS
from lin_ft.models.mobilenet_v2 import rounded
from lin_ft.models.windows import DepthwiseConv, Padding, paddings

STAGES = (
    (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5), (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)  # fmt: skip
"""Expansion, channels, blocks, stride of the first block, window."""


class MBConv(nn.Module):
    """1x1 to `expansion` times the channels, depthwise, gates (not in Lite), linear 1x1; plus x where shapes agree."""

    width: int
    stride: int
    expansion: int
    window: int
    lite: bool
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
        y = DepthwiseConv(self.window, self.stride, self.padding, name="depthwise")(y)
        y = activation(norm("depthwise_norm")(y))
        if not self.lite:
            gate = nn.Conv(max(1, x.shape[-1] // 4), (1, 1), name="squeeze")(y.mean((1, 2), keepdims=True))
            y = y * nn.sigmoid(nn.Conv(y.shape[-1], (1, 1), name="excite")(activation(gate)))
        y = nn.Conv(self.width, (1, 1), use_bias=False, name="project")(y)
        y = norm("project_norm")(y)
        return x + y if x.shape == y.shape else y


class EfficientNet(nn.Module):
    """Seven stages of MBConv: any side from 32 pixels, three channels; `width` and `depth` scale channels and blocks.

    `features` gives phi, the (n, d) globally averaged last activations; `__call__` gives logits = phi W + b. `padding`
    and `epsilon` (of BatchNorm) differ between PyTorch (the defaults), TensorFlow ("same", 0.001) and transformers
    ("even", 0.001). `activation` is one of ACTIVATIONS, the gates' as well; by default SiLU, of Lite relu6.
    """

    n_classes: int
    width: float = 1.0
    depth: float = 1.0
    lite: bool = False
    padding: Padding = "torch"
    epsilon: float = 1e-5
    activation: str = ""

    def setup(self):
        fixed = 1.0 if self.lite else self.width
        self.stem = nn.Conv(rounded(32 * fixed), (3, 3), 2, padding="VALID", use_bias=False)
        self.stem_norm = nn.BatchNorm(momentum=0.9, epsilon=self.epsilon)
        self.blocks = [
            MBConv(*spec, self.lite, self.padding, self.epsilon, self._activation, name=f"stage{stage}_block{block}")
            for (stage, block), spec in zip(positions(self.depth, self.lite), self._specs(), strict=True)
        ]
        self.last = nn.Conv(rounded(1280 * fixed), (1, 1), use_bias=False)
        self.last_norm = nn.BatchNorm(momentum=0.9, epsilon=self.epsilon)
        self.head = nn.Dense(self.n_classes)

    @property
    def _activation(self) -> str:
        return self.activation or ("relu6" if self.lite else "silu")

    def _specs(self) -> list[tuple[int, int, int, int]]:
        return [
            (rounded(STAGES[stage - 1][1] * self.width), STAGES[stage - 1][3] if block == 1 else 1, *_rest(stage))
            for stage, block in positions(self.depth, self.lite)
        ]

    def features(self, x: Float[Array, "n h w 3"], train: bool = False) -> Float[Array, "n d"]:
        activation = ACTIVATIONS[self._activation]
        x = jnp.pad(x, ((0, 0), *paddings(x, 3, 2, self.padding), (0, 0)))
        x = activation(self.stem_norm(self.stem(x), use_running_average=not train))
        for block in self.blocks:
            x = block(x, train)
        return activation(self.last_norm(self.last(x), use_running_average=not train)).mean((1, 2))

    def __call__(self, x: Float[Array, "n h w 3"], train: bool = False) -> Float[Array, "n C"]:
        return self.head(self.features(x, train))


def positions(depth: float = 1.0, lite: bool = False) -> list[tuple[int, int]]:
    """(stage, block) of every block from 1 on; Lite does not repeat the first and the last stage."""
    counts = [
        stage[2] if lite and index in (0, len(STAGES) - 1) else math.ceil(depth * stage[2])
        for index, stage in enumerate(STAGES)
    ]
    return [(stage + 1, block + 1) for stage, count in enumerate(counts) for block in range(count)]


def _rest(stage: int) -> tuple[int, int]:
    expansion, *_, window = STAGES[stage - 1]
    return expansion, window


def efficientnet_b0(n_classes: int, **options) -> EfficientNet:
    """5.3 million parameters with 1,000 classes, d = 1,280.

    Examples:
        >>> import jax
        >>> from lin_ft.models import efficientnet_b0
        >>> image = jax.ShapeDtypeStruct((1, 224, 224, 3), "float32")
        >>> network = efficientnet_b0(n_classes=10)
        >>> features = lambda x: network.init_with_output(jax.random.key(0), x, method="features")[0]
        >>> jax.eval_shape(features, image).shape  # without computing anything
        (1, 1280)
    """
    return EfficientNet(n_classes, **options)


def efficientnet_lite0(n_classes: int, **options) -> EfficientNet:
    """4.7 million parameters with 1,000 classes, d = 1,280.

    Examples:
        >>> import jax
        >>> from lin_ft.models import efficientnet_lite0
        >>> image = jax.ShapeDtypeStruct((1, 224, 224, 3), "float32")
        >>> network = efficientnet_lite0(n_classes=10)
        >>> features = lambda x: network.init_with_output(jax.random.key(0), x, method="features")[0]
        >>> jax.eval_shape(features, image).shape  # without computing anything
        (1, 1280)
    """
    return EfficientNet(n_classes, 1.0, 1.0, lite=True, **options)


def efficientnet_lite1(n_classes: int, **options) -> EfficientNet:
    """5.4 million parameters with 1,000 classes, d = 1,280.

    Examples:
        >>> import jax
        >>> from lin_ft.models import efficientnet_lite1
        >>> image = jax.ShapeDtypeStruct((1, 224, 224, 3), "float32")
        >>> network = efficientnet_lite1(n_classes=10)
        >>> features = lambda x: network.init_with_output(jax.random.key(0), x, method="features")[0]
        >>> jax.eval_shape(features, image).shape  # without computing anything
        (1, 1280)
    """
    return EfficientNet(n_classes, 1.0, 1.1, lite=True, **options)


def efficientnet_lite2(n_classes: int, **options) -> EfficientNet:
    """6.1 million parameters with 1,000 classes, d = 1,280.

    Examples:
        >>> import jax
        >>> from lin_ft.models import efficientnet_lite2
        >>> image = jax.ShapeDtypeStruct((1, 224, 224, 3), "float32")
        >>> network = efficientnet_lite2(n_classes=10)
        >>> features = lambda x: network.init_with_output(jax.random.key(0), x, method="features")[0]
        >>> jax.eval_shape(features, image).shape  # without computing anything
        (1, 1280)
    """
    return EfficientNet(n_classes, 1.1, 1.2, lite=True, **options)
