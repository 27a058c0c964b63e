"""A model with random weights and a task that can be learnt, small enough for every test."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from lin_ft.data import ImageData, Task
from lin_ft.models import resnet20
from lin_ft.zoo import ModelCard, ZooModel, save_card, save_weights


def random_model(folder: Path, name: str, seed: int = 0) -> ZooModel:
    """A ResNet-20 with random weights, written to `folder` as a zoo entry."""
    weights = folder / f"{name}.safetensors"
    variables = resnet20(3).init(jax.random.key(seed), jnp.zeros((1, 32, 32, 3), jnp.float32))
    save_weights(weights, jax.tree.map(lambda leaf: np.asarray(leaf, np.float32), variables))
    card = ModelCard(
        name=name, architecture="resnet20", source=name, domain="d", class_names=("a", "b", "c"), image_size=32,
        mean=(0.5,) * 3, std=(0.25,) * 3, n_params=269000, n_train=1, n_test=1, test_accuracy=0.5, licence="",
        command="", commit="", hardware="", seconds=0.0, seed=seed, recipe={},
    )  # fmt: skip
    save_card(folder / f"{name}.json", card)
    return ZooModel(card, weights)


def images(n: int, rng: np.random.Generator) -> ImageData:
    """n images of each class: dark, or bright."""
    x = rng.integers(0, 100, (2 * n, 32, 32, 3)).astype(np.uint8)
    x[:n] += 120
    return ImageData("light", x, np.repeat([0, 1], n), ("bright", "dark"))


def light_task(shots: int = 6) -> Task:
    """`shots` training, 4 validation and 10 test images of each class."""
    rng = np.random.default_rng(1)
    parts = [images(n, rng) for n in (shots, 4, 10)]
    return Task("light", "light", ("bright", "dark"), *parts, shots, 0, 0)
