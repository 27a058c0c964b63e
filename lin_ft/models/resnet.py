"""CIFAR-type residual networks (He et al. 2016, arXiv 1512.03385, section 4.2) in Flax linen."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float


class Adapter(nn.Module):
    """A 1x1 convolution as one matrix product.

    With a kernel for each domain (`vmap`), XLA makes of a convolution a grouped one, many times slower on the CPU.
    """

    width: int
    stride: int = 1

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"]) -> Float[Array, "n h2 w2 c2"]:
        kernel = self.param("kernel", nn.initializers.lecun_normal(), (1, 1, x.shape[-1], self.width))
        return jnp.matmul(x[:, :: self.stride, :: self.stride], kernel[0, 0])


class Block(nn.Module):
    """Two 3x3 convolutions and a parameter-free shortcut (option A: subsample, then pad the channels with zeros).

    With `adapters`, a 1x1 convolution of the same input is added to each (parallel residual adapters, Rebuffi et al.
    2018, arXiv 1803.10082): the part that a domain may have of its own beside shared 3x3 kernels.
    """

    width: int
    stride: int = 1
    adapters: bool = False

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"], train: bool = False) -> Float[Array, "n h2 w2 c2"]:
        def norm(name: str) -> nn.BatchNorm:
            return nn.BatchNorm(use_running_average=not train, momentum=0.9, epsilon=1e-5, name=name)

        # Padding is (1, 1) at every stride, so that weights in PyTorch's convention carry over unchanged.
        y = nn.Conv(self.width, (3, 3), self.stride, padding=1, use_bias=False, name="conv1")(x)
        if self.adapters:
            y += Adapter(self.width, self.stride, name="adapter1")(x)
        y = inner = nn.relu(norm("norm1")(y))
        y = nn.Conv(self.width, (3, 3), padding=1, use_bias=False, name="conv2")(y)
        if self.adapters:
            y += Adapter(self.width, name="adapter2")(inner)
        y = norm("norm2")(y)
        if self.stride > 1:
            x = x[:, :: self.stride, :: self.stride]
        if x.shape[-1] < self.width:
            x = jnp.pad(x, ((0, 0), (0, 0), (0, 0), (0, self.width - x.shape[-1])))
        return nn.relu(x + y)


class ResNet(nn.Module):
    """ResNet of depth 6 * blocks_per_stage + 2 for small images, any side from 8 pixels, three channels.

    `features` gives phi, the (n, d) globally averaged last activations; `__call__` gives logits = phi W + b.
    """

    n_classes: int
    blocks_per_stage: int = 3
    widths: tuple[int, ...] = (16, 32, 64)
    adapters: bool = False

    def setup(self):
        self.stem = nn.Conv(self.widths[0], (3, 3), padding=1, use_bias=False)
        self.stem_norm = nn.BatchNorm(momentum=0.9, epsilon=1e-5)
        blocks = []
        for stage, width in enumerate(self.widths):
            for index in range(self.blocks_per_stage):
                stride = 2 if stage > 0 and index == 0 else 1
                blocks.append(Block(width, stride, self.adapters, name=f"stage{stage + 1}_block{index + 1}"))
        self.blocks = blocks
        self.head = nn.Dense(self.n_classes)

    def features(self, x: Float[Array, "n h w 3"], train: bool = False) -> Float[Array, "n d"]:
        x = nn.relu(self.stem_norm(self.stem(x), use_running_average=not train))
        for block in self.blocks:
            x = block(x, train)
        return x.mean((1, 2))

    def __call__(self, x: Float[Array, "n h w 3"], train: bool = False) -> Float[Array, "n C"]:
        return self.head(self.features(x, train))


def resnet20(n_classes: int) -> ResNet:
    """ResNet-20: 3 blocks in each of 3 stages, 0.27 million parameters, d = 64.

    Examples:
        >>> import jax
        >>> from lin_ft.models import resnet20
        >>> image = jax.ShapeDtypeStruct((1, 224, 224, 3), "float32")
        >>> network = resnet20(n_classes=10)
        >>> features = lambda x: network.init_with_output(jax.random.key(0), x, method="features")[0]
        >>> jax.eval_shape(features, image).shape  # without computing anything
        (1, 64)
    """
    return ResNet(n_classes)


def resnet20_adapters(n_classes: int) -> ResNet:
    """ResNet-20 with a 1x1 adapter beside every 3x3 convolution of its blocks: 0.03 million parameters more.

    Examples:
        >>> import jax
        >>> from lin_ft.models import resnet20_adapters
        >>> image = jax.ShapeDtypeStruct((1, 224, 224, 3), "float32")
        >>> network = resnet20_adapters(n_classes=10)
        >>> features = lambda x: network.init_with_output(jax.random.key(0), x, method="features")[0]
        >>> jax.eval_shape(features, image).shape  # without computing anything
        (1, 64)
    """
    return ResNet(n_classes, adapters=True)
