"""ConvNeXt (Liu et al. 2022, arXiv 2201.03545, section 2) in Flax linen."""

import flax.linen as nn
from jaxtyping import Array, Float

from lin_ft.models.activations import ACTIVATIONS
from lin_ft.models.windows import DepthwiseConv


class ConvNeXtBlock(nn.Module):
    """x + scale * (depthwise 7x7, LayerNorm, dense to 4 c, GELU, dense to c), scale learnt for each channel."""

    activation: str = "gelu"

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"]) -> Float[Array, "n h w c"]:
        channels = x.shape[-1]
        y = DepthwiseConv(7, use_bias=True, name="depthwise")(x)
        y = nn.LayerNorm(epsilon=1e-6, name="norm")(y)
        y = ACTIVATIONS[self.activation](nn.Dense(4 * channels, name="dense1")(y))
        y = nn.Dense(channels, name="dense2")(y)
        return x + y * self.param("scale", nn.initializers.constant(1e-6), (channels,))[None, None, None]


class Downsample(nn.Module):
    """LayerNorm, then a 2x2 convolution of stride 2."""

    width: int

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"]) -> Float[Array, "n h2 w2 c2"]:
        x = nn.LayerNorm(epsilon=1e-6, name="norm")(x)
        return nn.Conv(self.width, (2, 2), 2, padding="VALID", name="conv")(x)


class ConvNeXt(nn.Module):
    """4x4 patches, four stages: any side from 32 pixels, three channels.

    `features` gives phi, the (n, d) normalised averages of the last activations; `__call__` gives logits = phi W + b.
    `activation` is one of ACTIVATIONS, `last_epsilon` that of the last LayerNorm.
    """

    n_classes: int
    depths: tuple[int, ...] = (3, 3, 9, 3)
    widths: tuple[int, ...] = (96, 192, 384, 768)
    activation: str = "gelu"
    last_epsilon: float = 1e-6

    def setup(self):
        self.stem = nn.Conv(self.widths[0], (4, 4), 4, padding="VALID")
        self.stem_norm = nn.LayerNorm(epsilon=1e-6)
        self.downsamples = [
            Downsample(width, name=f"downsample{index + 2}") for index, width in enumerate(self.widths[1:])
        ]
        self.stages = [
            [ConvNeXtBlock(self.activation, name=f"stage{stage + 1}_block{index + 1}") for index in range(depth)]
            for stage, depth in enumerate(self.depths)
        ]
        self.last_norm = nn.LayerNorm(epsilon=self.last_epsilon)
        self.head = nn.Dense(self.n_classes)

    def features(self, x: Float[Array, "n h w 3"], train: bool = False) -> Float[Array, "n d"]:
        x = self.stem_norm(self.stem(x))
        for index, blocks in enumerate(self.stages):
            if index > 0:
                x = self.downsamples[index - 1](x)
            for block in blocks:
                x = block(x)
        return self.last_norm(x.mean((1, 2)))

    def __call__(self, x: Float[Array, "n h w 3"], train: bool = False) -> Float[Array, "n C"]:
        return self.head(self.features(x, train))


def convnext_tiny(n_classes: int, **options) -> ConvNeXt:
    """28.6 million parameters with 1,000 classes, d = 768.

    Examples:
        >>> import jax
        >>> from lin_ft.models import convnext_tiny
        >>> image = jax.ShapeDtypeStruct((1, 224, 224, 3), "float32")
        >>> network = convnext_tiny(n_classes=10)
        >>> features = lambda x: network.init_with_output(jax.random.key(0), x, method="features")[0]
        >>> jax.eval_shape(features, image).shape  # without computing anything
        (1, 768)
    """
    return ConvNeXt(n_classes, **options)
