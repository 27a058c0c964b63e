"""dlib's residual network of 29 convolutions for faces (King 2017, dnn_face_recognition_ex) in Flax linen.

Its per-channel scales, which stand in BatchNorm's place, are folded into the convolutions.
"""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from lin_ft.models.windows import max_pool

STAGES = ((32, 3), (64, 4), (128, 3), (256, 3), (256, 1))
"""Channels and residual blocks; from the second stage on, the first block halves the side."""


class FaceBlock(nn.Module):
    """Two 3x3 convolutions with bias.

    `down`: the first takes stride 2 without padding, x is averaged over 2x2, and the smaller of the two is filled with
    zeros, in channels as at the end of rows and columns.
    """

    width: int
    down: bool = False

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"]) -> Float[Array, "n h2 w2 c2"]:
        if self.down:
            x = jnp.pad(x, ((0, 0), *((0, max(0, 3 - side)) for side in x.shape[1:3]), (0, 0)))
        padding, stride = ("VALID", 2) if self.down else (1, 1)
        y = nn.relu(nn.Conv(self.width, (3, 3), stride, padding=padding, name="conv1")(x))
        y = nn.Conv(self.width, (3, 3), padding=1, name="conv2")(y)
        if self.down:
            x = nn.avg_pool(x, (2, 2), (2, 2))
            x, y = (jnp.pad(z, [(0, max(0, b - a)) for a, b in zip(z.shape, o.shape, strict=True)])
                    for z, o in ((x, y), (y, x)))  # fmt: skip
        return nn.relu(x + y)


class FaceResNet(nn.Module):
    """7x7 stem, max pooling, 14 residual blocks, nothing padded on the way down: any side from 32 pixels.

    `features` gives phi, the (n, d) globally averaged last activations; `__call__` gives logits = phi W + b. The
    published network ends in a linear map of phi to 128 numbers that tell faces apart (dlib.net).
    """

    n_classes: int

    def setup(self):
        self.stem = nn.Conv(32, (7, 7), 2, padding="VALID")
        self.blocks = [
            FaceBlock(width, down=stage > 0 and index == 0, name=f"stage{stage + 1}_block{index + 1}")
            for stage, (width, depth) in enumerate(STAGES)
            for index in range(depth)
        ]
        self.head = nn.Dense(self.n_classes)

    def features(self, x: Float[Array, "n h w 3"], train: bool = False) -> Float[Array, "n d"]:
        x = max_pool(nn.relu(self.stem(x)), 3, 2, ((0, 0), (0, 0)))
        for block in self.blocks:
            x = block(x)
        return x.mean((1, 2))

    def __call__(self, x: Float[Array, "n h w 3"], train: bool = False) -> Float[Array, "n C"]:
        return self.head(self.features(x, train))


def face_resnet(n_classes: int) -> FaceResNet:
    """5.6 million parameters of the trunk, d = 256.

    Examples:
        >>> import jax
        >>> from lin_ft.models import face_resnet
        >>> image = jax.ShapeDtypeStruct((1, 224, 224, 3), "float32")
        >>> network = face_resnet(n_classes=10)
        >>> features = lambda x: network.init_with_output(jax.random.key(0), x, method="features")[0]
        >>> jax.eval_shape(features, image).shape  # without computing anything
        (1, 256)
    """
    return FaceResNet(n_classes)
