"""SqueezeNet 1.1 (Iandola et al. 2016, arXiv 1602.07360; version 1.1 of the authors' repository) in Flax linen."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from lin_ft.models.windows import max_pool

WIDTHS = (16, 16, 32, 32, 48, 48, 64, 64)
"""Of the 1x1 convolution that squeezes; each of the two that expand has four times as many."""


class Fire(nn.Module):
    """1x1 to `width` channels, then 1x1 and 3x3 beside each other, 4 * width channels each."""

    width: int

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"]) -> Float[Array, "n h w c2"]:
        x = nn.relu(nn.Conv(self.width, (1, 1), name="squeeze")(x))
        left = nn.Conv(4 * self.width, (1, 1), name="expand1")(x)
        right = nn.Conv(4 * self.width, (3, 3), padding=1, name="expand3")(x)
        return nn.relu(jnp.concatenate([left, right], axis=-1))


class SqueezeNet(nn.Module):
    """Eight fire modules: any side from 32 pixels, three channels. No normalisation layers.

    `features` gives phi, the (n, d) globally averaged last activations; `__call__` gives logits = phi W + b. The
    published classifier is not linear in phi: `source_logits`.
    """

    n_classes: int

    def setup(self):
        self.stem = nn.Conv(64, (3, 3), 2, padding="VALID")
        self.blocks = [Fire(width, name=f"block{index + 1}") for index, width in enumerate(WIDTHS)]
        self.head = nn.Dense(self.n_classes)

    def _positions(self, x: Float[Array, "n h w 3"]) -> Float[Array, "n h2 w2 d"]:
        x = nn.relu(self.stem(x))
        for index, block in enumerate(self.blocks):
            if index in (0, 2, 4):
                x = max_pool(x, 3, 2, tuple((0, -(side - 3) % 2) for side in x.shape[1:3]))
            x = block(x)
        return x

    def features(self, x: Float[Array, "n h w 3"], train: bool = False) -> Float[Array, "n d"]:
        return self._positions(x).mean((1, 2))

    def source_logits(self, x: Float[Array, "n h w 3"]) -> Float[Array, "n C"]:
        """mean over positions p of relu(x_p W + b): the classifier of pre-training."""
        return nn.relu(self.head(self._positions(x))).mean((1, 2))

    def __call__(self, x: Float[Array, "n h w 3"], train: bool = False) -> Float[Array, "n C"]:
        return self.head(self.features(x, train))


def squeezenet_11(n_classes: int) -> SqueezeNet:
    """1.2 million parameters with 1,000 classes, d = 512.

    Examples:
        >>> import jax
        >>> from lin_ft.models import squeezenet_11
        >>> image = jax.ShapeDtypeStruct((1, 224, 224, 3), "float32")
        >>> network = squeezenet_11(n_classes=10)
        >>> features = lambda x: network.init_with_output(jax.random.key(0), x, method="features")[0]
        >>> jax.eval_shape(features, image).shape  # without computing anything
        (1, 512)
    """
    return SqueezeNet(n_classes)
