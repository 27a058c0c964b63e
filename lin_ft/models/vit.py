"""Vision transformers (Dosovitskiy et al. 2021, arXiv 2010.11929) and DINOv2's (arXiv 2304.07193) in Flax linen."""

from typing import Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lin_ft.errors import InputError
from lin_ft.models.activations import ACTIVATIONS
from lin_ft.models.position_embeddings import Resampling, resized


class Attention(nn.Module):
    """softmax(q kᵀ / sqrt(d_head)) v of each head, joined and projected."""

    heads: int

    @nn.compact
    def __call__(self, x: Float[Array, "n t d"]) -> Float[Array, "n t d"]:
        n, t, width = x.shape

        def split(name: str) -> Float[Array, "n t heads d_head"]:
            return nn.Dense(width, name=name)(x).reshape(n, t, self.heads, width // self.heads)

        query, key, value = split("query"), split("key"), split("value")
        weights = jax.nn.softmax(jnp.einsum("nqhd,nkhd->nhqk", query, key) / np.sqrt(width // self.heads), axis=-1)
        return nn.Dense(width, name="out")(jnp.einsum("nhqk,nkhd->nqhd", weights, value).reshape(n, t, width))


class EncoderBlock(nn.Module):
    """x + attention(norm(x)), then x + MLP(norm(x)); with `scaled`, each part times a learnt scale a channel."""

    heads: int
    scaled: bool
    epsilon: float
    activation: str

    @nn.compact
    def __call__(self, x: Float[Array, "n t d"]) -> Float[Array, "n t d"]:
        width = x.shape[-1]

        def scale(name: str, y: Float[Array, "n t d"]) -> Float[Array, "n t d"]:
            return y * self.param(name, nn.initializers.ones, (width,))[None, None] if self.scaled else y

        y = nn.LayerNorm(epsilon=self.epsilon, name="norm1")(x)
        x = x + scale("scale1", Attention(self.heads, name="attention")(y))
        y = nn.LayerNorm(epsilon=self.epsilon, name="norm2")(x)
        y = ACTIVATIONS[self.activation](nn.Dense(4 * width, name="dense1")(y))
        return x + scale("scale2", nn.Dense(width, name="dense2")(y))


class ViT(nn.Module):
    """Patches as tokens behind a class token. Any height and width that are multiples of `patch`.

    `features` gives phi, (n, d): the normalised class token or, pooled by `cls_mean`, beside it the mean of the other
    tokens, (n, 2 d). `__call__` gives logits = phi W + b. `image_size` is that of the position embeddings; at others
    they are resized as `resampling` says (`resized`). `epsilon` is LayerNorm's, `activation` one of ACTIVATIONS, of the
    MLPs. Raises InputError for heads that do not divide the width.
    """

    n_classes: int
    width: int
    heads: int
    patch: int = 16
    depth: int = 12
    image_size: int = 224
    epsilon: float = 1e-6
    scaled: bool = False
    pool: Literal["cls", "cls_mean"] = "cls"
    resampling: Resampling = "transformers"
    activation: str = "gelu"

    def setup(self):
        if self.heads < 1 or self.width % self.heads:
            raise InputError(f"{self.heads} attention heads do not divide the width, {self.width}.")
        side = self.image_size // self.patch
        normal = nn.initializers.truncated_normal(0.02)
        self.patches = nn.Conv(self.width, (self.patch, self.patch), self.patch, padding="VALID")
        self.class_token = self.param("class_token", normal, (1, 1, self.width))
        self.positions = self.param("positions", normal, (1, 1 + side * side, self.width))
        self.blocks = [
            EncoderBlock(self.heads, self.scaled, self.epsilon, self.activation, name=f"block{index + 1}")
            for index in range(self.depth)
        ]
        self.last_norm = nn.LayerNorm(epsilon=self.epsilon)
        self.head = nn.Dense(self.n_classes)

    def features(self, x: Float[Array, "n h w 3"], train: bool = False) -> Float[Array, "n d"]:
        if x.shape[1] % self.patch or x.shape[2] % self.patch:
            raise InputError(
                f"Images of {x.shape[1]} x {x.shape[2]} pixels: the sides must be multiples of {self.patch}."
            )
        x = self.patches(x)
        n, height, width, _ = x.shape
        positions = resized(self.positions[:, 1:], height, width, self.resampling)
        x = x.reshape(n, height * width, self.width) + positions
        first = jnp.broadcast_to(self.class_token + self.positions[:, :1], (n, 1, self.width))
        x = jnp.concatenate([first, x], axis=1)
        for block in self.blocks:
            x = block(x)
        x = self.last_norm(x)
        return x[:, 0] if self.pool == "cls" else jnp.concatenate([x[:, 0], x[:, 1:].mean(1)], axis=-1)

    def __call__(self, x: Float[Array, "n h w 3"], train: bool = False) -> Float[Array, "n C"]:
        return self.head(self.features(x, train))


def vit_tiny_16(n_classes: int, heads: int = 3, **options) -> ViT:
    """5.7 million parameters with 1,000 classes, d = 192.

    Examples:
        >>> import jax
        >>> from lin_ft.models import vit_tiny_16
        >>> image = jax.ShapeDtypeStruct((1, 224, 224, 3), "float32")
        >>> network = vit_tiny_16(n_classes=10)
        >>> features = lambda x: network.init_with_output(jax.random.key(0), x, method="features")[0]
        >>> jax.eval_shape(features, image).shape  # without computing anything
        (1, 192)
    """
    return ViT(n_classes, 192, heads, **options)


def vit_small_16(n_classes: int, heads: int = 6, **options) -> ViT:
    """22.1 million parameters with 1,000 classes, d = 384.

    Examples:
        >>> import jax
        >>> from lin_ft.models import vit_small_16
        >>> image = jax.ShapeDtypeStruct((1, 224, 224, 3), "float32")
        >>> network = vit_small_16(n_classes=10)
        >>> features = lambda x: network.init_with_output(jax.random.key(0), x, method="features")[0]
        >>> jax.eval_shape(features, image).shape  # without computing anything
        (1, 384)
    """
    return ViT(n_classes, 384, heads, **options)


def vit_base_16(n_classes: int, heads: int = 12, **options) -> ViT:
    """86.6 million parameters with 1,000 classes, d = 768.

    Examples:
        >>> import jax
        >>> from lin_ft.models import vit_base_16
        >>> image = jax.ShapeDtypeStruct((1, 224, 224, 3), "float32")
        >>> network = vit_base_16(n_classes=10)
        >>> features = lambda x: network.init_with_output(jax.random.key(0), x, method="features")[0]
        >>> jax.eval_shape(features, image).shape  # without computing anything
        (1, 768)
    """
    return ViT(n_classes, 768, heads, **options)


def dinov2_small_14(n_classes: int, heads: int = 6, **options) -> ViT:
    """22.1 million parameters without a head, d = 384 (768 pooled by `cls_mean`), position embeddings of 518 pixels.

    Examples:
        >>> import jax
        >>> from lin_ft.models import dinov2_small_14
        >>> image = jax.ShapeDtypeStruct((1, 224, 224, 3), "float32")
        >>> network = dinov2_small_14(n_classes=10)
        >>> features = lambda x: network.init_with_output(jax.random.key(0), x, method="features")[0]
        >>> jax.eval_shape(features, image).shape  # without computing anything
        (1, 384)
    """
    return ViT(n_classes, 384, heads, **{"patch": 14, "image_size": 518, "scaled": True} | options)
