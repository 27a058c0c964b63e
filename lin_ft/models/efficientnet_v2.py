"""The fused stages of EfficientNetV2-S (Tan & Le 2021, arXiv 2104.00298, table 4), BatchNorm folded, in Flax linen."""

import flax.linen as nn
from jaxtyping import Array, Float

STAGES = ((1, 24, 2, 1), (4, 48, 4, 2), (4, 64, 4, 2))
"""Expansion, channels, blocks, stride of the first block."""


class FusedBlock(nn.Module):
    """3x3 to `expansion` times the channels, SiLU, linear 1x1; added to x where the shapes agree."""

    width: int
    stride: int
    expansion: int

    @nn.compact
    def __call__(self, x: Float[Array, "n h w c"]) -> Float[Array, "n h2 w2 c2"]:
        y = nn.Conv(self.expansion * x.shape[-1], (3, 3), self.stride, padding=1, name="expand")(x)
        y = nn.Conv(self.width, (1, 1), name="project")(nn.silu(y))
        return x + y if x.shape == y.shape else y


class FusedTrunk(nn.Module):
    """3x3 stem and ten fused blocks: any side from 8 pixels, three channels, an eighth of the side at the end.

    `features` gives phi, the (n, d) globally averaged last activations; `__call__` gives logits = phi W + b. Without
    normalisation layers: the published weights have them folded in.
    """

    n_classes: int

    def setup(self):
        self.stem = nn.Conv(24, (3, 3), 2, padding=1)
        specs = [
            (width, stride if index == 0 else 1, expansion)
            for expansion, width, depth, stride in STAGES
            for index in range(depth)
        ]
        self.blocks = [FusedBlock(*spec, name=f"block{index + 1}") for index, spec in enumerate(specs)]
        self.head = nn.Dense(self.n_classes)

    def features(self, x: Float[Array, "n h w 3"], train: bool = False) -> Float[Array, "n d"]:
        x = nn.silu(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return x.mean((1, 2))

    def __call__(self, x: Float[Array, "n h w 3"], train: bool = False) -> Float[Array, "n C"]:
        return self.head(self.features(x, train))


def efficientnet_v2_fused(n_classes: int) -> FusedTrunk:
    """0.9 million parameters of the trunk, d = 64.

    Examples:
        >>> import jax
        >>> from lin_ft.models import efficientnet_v2_fused
        >>> image = jax.ShapeDtypeStruct((1, 224, 224, 3), "float32")
        >>> network = efficientnet_v2_fused(n_classes=10)
        >>> features = lambda x: network.init_with_output(jax.random.key(0), x, method="features")[0]
        >>> jax.eval_shape(features, image).shape  # without computing anything
        (1, 64)
    """
    return FusedTrunk(n_classes)
