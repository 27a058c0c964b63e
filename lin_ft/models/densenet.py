"""Densely connected networks (Huang et al. 2017, arXiv 1608.06993, table 1) in Flax linen."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from lin_ft.models.windows import max_pool


def _norm(name: str, train: bool) -> nn.BatchNorm:
    return nn.BatchNorm(use_running_average=not train, momentum=0.9, epsilon=1e-5, name=name)


class DenseLayer(nn.Module):
    """x beside `growth` new channels of it: norm, relu, 1x1 to 4 * growth channels, norm, relu, 3x3."""

    growth: int

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"], train: bool = False) -> Float[Array, "n h w c2"]:
        y = nn.relu(_norm("norm1", train)(x))
        y = nn.Conv(4 * self.growth, (1, 1), use_bias=False, name="conv1")(y)
        y = nn.relu(_norm("norm2", train)(y))
        y = nn.Conv(self.growth, (3, 3), padding=1, use_bias=False, name="conv2")(y)
        return jnp.concatenate([x, y], axis=-1)


class Transition(nn.Module):
    """Half the channels by a 1x1 convolution, half the side by averaging 2x2."""

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"], train: bool = False) -> Float[Array, "n h2 w2 c2"]:
        x = nn.relu(_norm("norm", train)(x))
        x = nn.Conv(x.shape[-1] // 2, (1, 1), use_bias=False, name="conv")(x)
        return nn.avg_pool(x, (2, 2), (2, 2))


class DenseNet(nn.Module):
    """7x7 stem, max pooling, four dense blocks with transitions between: any side from 32 pixels, three channels.

    `features` gives phi, the (n, d) globally averaged last activations; `__call__` gives logits = phi W + b.
    """

    n_classes: int
    depths: tuple[int, ...] = (6, 12, 32, 32)
    growth: int = 32

    def setup(self):
        self.stem = nn.Conv(2 * self.growth, (7, 7), 2, padding=3, use_bias=False)
        self.stem_norm = nn.BatchNorm(momentum=0.9, epsilon=1e-5)
        self.blocks = [
            [DenseLayer(self.growth, name=f"block{block + 1}_layer{layer + 1}") for layer in range(depth)]
            for block, depth in enumerate(self.depths)
        ]
        self.transitions = [Transition(name=f"transition{index + 1}") for index in range(len(self.depths) - 1)]
        self.last_norm = nn.BatchNorm(momentum=0.9, epsilon=1e-5)
        self.head = nn.Dense(self.n_classes)

    def features(self, x: Float[Array, "n h w 3"], train: bool = False) -> Float[Array, "n d"]:
        x = nn.relu(self.stem_norm(self.stem(x), use_running_average=not train))
        x = max_pool(x, 3, 2, ((1, 1), (1, 1)))
        for index, layers in enumerate(self.blocks):
            for layer in layers:
                x = layer(x, train)
            if index < len(self.transitions):
                x = self.transitions[index](x, train)
        return nn.relu(self.last_norm(x, use_running_average=not train)).mean((1, 2))

    def __call__(self, x: Float[Array, "n h w 3"], train: bool = False) -> Float[Array, "n C"]:
        return self.head(self.features(x, train))


def densenet169(n_classes: int) -> DenseNet:
    """14.1 million parameters with 1,000 classes, d = 1,664.

    Examples:
        >>> import jax
        >>> from lin_ft.models import densenet169
        >>> image = jax.ShapeDtypeStruct((1, 224, 224, 3), "float32")
        >>> network = densenet169(n_classes=10)
        >>> features = lambda x: network.init_with_output(jax.random.key(0), x, method="features")[0]
        >>> jax.eval_shape(features, image).shape  # without computing anything
        (1, 1664)
    """
    return DenseNet(n_classes)
