"""Residual networks for photographs (He et al. 2016, arXiv 1512.03385, table 1) in Flax linen, version 1.5.

Version 1.5, the one that PyTorch trains: the 3x3 convolution of a bottleneck takes the stride, not the first 1x1.
"""

import flax.linen as nn
from jaxtyping import Array, Float

from lin_ft.models.activations import ACTIVATIONS
from lin_ft.models.windows import Padding, max_pool, paddings


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions or, as a `bottleneck`, 1x1, 3x3, 1x1 to fourfold width; projection where shapes differ."""

    width: int
    stride: int = 1
    bottleneck: bool = False
    stride_first: bool = False
    folded: bool = False
    activation: str = "relu"

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"], train: bool = False) -> Float[Array, "n h2 w2 c2"]:
        def conv(name: str, width: int, window: int, stride: int = 1) -> nn.Conv:
            return nn.Conv(width, (window, window), stride, padding=window // 2, use_bias=False, name=name)

        def norm(name: str) -> nn.BatchNorm:
            return nn.BatchNorm(use_running_average=self.folded or not train, momentum=0.9, epsilon=1e-5, name=name)

        activation = ACTIVATIONS[self.activation]
        if self.bottleneck:
            first, second = (self.stride, 1) if self.stride_first else (1, self.stride)
            y = activation(norm("norm1")(conv("conv1", self.width, 1, first)(x)))
            y = activation(norm("norm2")(conv("conv2", self.width, 3, second)(y)))
            y = norm("norm3")(conv("conv3", 4 * self.width, 1)(y))
        else:
            y = activation(norm("norm1")(conv("conv1", self.width, 3, self.stride)(x)))
            y = norm("norm2")(conv("conv2", self.width, 3)(y))
        if x.shape[-1] != y.shape[-1] or self.stride > 1:
            x = norm("shortcut_norm")(conv("shortcut", y.shape[-1], 1, self.stride)(x))
        return activation(x + y)


class ResNetV15(nn.Module):
    """7x7 stem, max pooling, four stages of residual blocks: any side from 32 pixels, three channels.

    `features` gives phi, the (n, d) globally averaged last activations; `__call__` gives logits = phi W + b. In Caffe's
    networks, version 1, the first 1x1 of a bottleneck takes the stride (`stride_first`), and pooling pads by "same".
    `folded`: the weights come with BatchNorm folded into the convolutions, so the layers in its place scale and shift,
    in training too, and normalise nothing. `activation` is one of ACTIVATIONS.
    """

    n_classes: int
    depths: tuple[int, ...] = (2, 2, 2, 2)
    bottleneck: bool = False
    widths: tuple[int, ...] = (64, 128, 256, 512)
    stride_first: bool = False
    pool_padding: Padding = "torch"
    folded: bool = False
    activation: str = "relu"

    def setup(self):
        self.stem = nn.Conv(64, (7, 7), 2, padding=3, use_bias=False)
        self.stem_norm = nn.BatchNorm(momentum=0.9, epsilon=1e-5)
        self.blocks = [
            ResidualBlock(
                width,
                2 if stage > 0 and index == 0 else 1,
                self.bottleneck,
                self.stride_first,
                self.folded,
                self.activation,
                name=f"stage{stage + 1}_block{index + 1}",
            )
            for stage, (width, depth) in enumerate(zip(self.widths, self.depths, strict=True))
            for index in range(depth)
        ]
        self.head = nn.Dense(self.n_classes)

    def features(self, x: Float[Array, "n h w 3"], train: bool = False) -> Float[Array, "n d"]:
        x = ACTIVATIONS[self.activation](self.stem_norm(self.stem(x), use_running_average=self.folded or not train))
        x = max_pool(x, 3, 2, paddings(x, 3, 2, self.pool_padding))
        for block in self.blocks:
            x = block(x, train)
        return x.mean((1, 2))

    def __call__(self, x: Float[Array, "n h w 3"], train: bool = False) -> Float[Array, "n C"]:
        return self.head(self.features(x, train))


def resnet18(n_classes: int, **options) -> ResNetV15:
    """11.7 million parameters with 1,000 classes, d = 512.

    Examples:
        >>> import jax
        >>> from lin_ft.models import resnet18
        >>> image = jax.ShapeDtypeStruct((1, 224, 224, 3), "float32")
        >>> network = resnet18(n_classes=10)
        >>> features = lambda x: network.init_with_output(jax.random.key(0), x, method="features")[0]
        >>> jax.eval_shape(features, image).shape  # without computing anything
        (1, 512)
    """
    return ResNetV15(n_classes, **options)


def resnet34(n_classes: int, **options) -> ResNetV15:
    """21.8 million parameters with 1,000 classes, d = 512.

    Examples:
        >>> import jax
        >>> from lin_ft.models import resnet34
        >>> image = jax.ShapeDtypeStruct((1, 224, 224, 3), "float32")
        >>> network = resnet34(n_classes=10)
        >>> features = lambda x: network.init_with_output(jax.random.key(0), x, method="features")[0]
        >>> jax.eval_shape(features, image).shape  # without computing anything
        (1, 512)
    """
    return ResNetV15(n_classes, (3, 4, 6, 3), **options)


def resnet50(n_classes: int, **options) -> ResNetV15:
    """25.6 million parameters with 1,000 classes, d = 2,048.

    Examples:
        >>> import jax
        >>> from lin_ft.models import resnet50
        >>> image = jax.ShapeDtypeStruct((1, 224, 224, 3), "float32")
        >>> network = resnet50(n_classes=10)
        >>> features = lambda x: network.init_with_output(jax.random.key(0), x, method="features")[0]
        >>> jax.eval_shape(features, image).shape  # without computing anything
        (1, 2048)
    """
    return ResNetV15(n_classes, (3, 4, 6, 3), bottleneck=True, **options)


def resnet101(n_classes: int, **options) -> ResNetV15:
    """44.5 million parameters with 1,000 classes, d = 2,048.

    Examples:
        >>> import jax
        >>> from lin_ft.models import resnet101
        >>> image = jax.ShapeDtypeStruct((1, 224, 224, 3), "float32")
        >>> network = resnet101(n_classes=10)
        >>> features = lambda x: network.init_with_output(jax.random.key(0), x, method="features")[0]
        >>> jax.eval_shape(features, image).shape  # without computing anything
        (1, 2048)
    """
    return ResNetV15(n_classes, (3, 4, 23, 3), bottleneck=True, **options)


def thin_resnet50(n_classes: int) -> ResNetV15:
    """5.9 million parameters with 2 classes, d = 1,024: half the width, version 1, as Caffe lays it out.

    Examples:
        >>> import jax
        >>> from lin_ft.models import thin_resnet50
        >>> image = jax.ShapeDtypeStruct((1, 224, 224, 3), "float32")
        >>> network = thin_resnet50(n_classes=10)
        >>> features = lambda x: network.init_with_output(jax.random.key(0), x, method="features")[0]
        >>> jax.eval_shape(features, image).shape  # without computing anything
        (1, 1024)
    """
    return ResNetV15(
        n_classes,
        (3, 4, 6, 3),
        bottleneck=True,
        widths=(32, 64, 128, 256),
        stride_first=True,
        pool_padding="same",
        folded=True,
    )
