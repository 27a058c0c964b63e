"""MobileNet (Howard et al. 2017, arXiv 1704.04861, table 1), its BatchNorm folded, in Flax linen."""

import flax.linen as nn
from jaxtyping import Array, Float

from lin_ft.models.windows import DepthwiseConv

BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))
"""Channels and stride of the depthwise separable convolutions."""


class SeparableConv(nn.Module):
    """Depthwise 3x3, then 1x1 to `width` channels, each with bias and ReLU6."""

    width: int
    stride: int

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"]) -> Float[Array, "n h2 w2 c2"]:
        x = nn.relu6(DepthwiseConv(3, self.stride, "same", use_bias=True, name="depthwise")(x))
        return nn.relu6(nn.Conv(self.width, (1, 1), name="pointwise")(x))


class MobileNetV1(nn.Module):
    """A 3x3 stem and 13 separable convolutions, padded as TensorFlow does: any side from 32 pixels, three channels.

    `features` gives phi, the (n, d) globally averaged last activations; `__call__` gives logits = phi W + b. Without
    normalisation layers: the published weights have them folded in.
    """

    n_classes: int

    def setup(self):
        self.stem = nn.Conv(32, (3, 3), 2, padding="SAME")
        self.blocks = [SeparableConv(*spec, name=f"block{index + 1}") for index, spec in enumerate(BLOCKS)]
        self.head = nn.Dense(self.n_classes)

    def features(self, x: Float[Array, "n h w 3"], train: bool = False) -> Float[Array, "n d"]:
        x = nn.relu6(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return x.mean((1, 2))

    def __call__(self, x: Float[Array, "n h w 3"], train: bool = False) -> Float[Array, "n C"]:
        return self.head(self.features(x, train))


def mobilenet_v1(n_classes: int) -> MobileNetV1:
    """3.2 million parameters of the trunk, d = 1,024.

    Examples:
        >>> import jax
        >>> from lin_ft.models import mobilenet_v1
        >>> image = jax.ShapeDtypeStruct((1, 224, 224, 3), "float32")
        >>> network = mobilenet_v1(n_classes=10)
        >>> features = lambda x: network.init_with_output(jax.random.key(0), x, method="features")[0]
        >>> jax.eval_shape(features, image).shape  # without computing anything
        (1, 1024)
    """
    return MobileNetV1(n_classes)
