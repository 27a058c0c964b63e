"""Views made of arrays: a kernel, labels and features, without a network."""

from pathlib import Path

import numpy as np

from lin_ft.data import ImageData, Task
from lin_ft.ranking import RankConfig, View
from lin_ft.zoo import ModelCard, ZooModel


def card(name: str) -> ModelCard:
    return ModelCard(
        name=name, architecture="resnet20", source=name, domain="d", class_names=("a", "b"), image_size=8,
        mean=(0.5,) * 3, std=(0.25,) * 3, n_params=10, n_train=1, n_test=1, test_accuracy=0.5, licence="", command="",
        commit="", hardware="", seconds=0.0, seed=0, recipe={},
    )  # fmt: skip


def part(labels, n_classes: int, seed: int = 0) -> ImageData:
    labels = np.asarray(labels, np.int64)
    images = np.random.default_rng(seed).integers(0, 256, (len(labels), 8, 8, 3)).astype(np.uint8)
    return ImageData("made", images, labels, tuple(f"c{c}" for c in range(n_classes)))


def view_of(features, labels, n_classes: int, *, name: str = "m", kernel=None, validation=(), test=()) -> View:
    """A view whose features and kernel (by default theirs, plus 1) are the arrays given."""
    features = np.asarray(features, np.float64)
    parts = part(labels, n_classes), part(validation, n_classes, 1), part(test, n_classes, 2)
    task = Task("made", "made", parts[0].class_names, *parts, 0, 0)
    view = View(ZooModel(card(name), Path("none")), task, RankConfig())
    view.made[View.features.key(view.config)] = features, 0.0
    view.made[View.kernel.key(view.config)] = features @ features.T + 1 if kernel is None else kernel, 0.0
    return view


def clusters(per_class: int = 6, n_classes: int = 3, spread: float = 0.3, seed: int = 0):
    """Features (n, 5) of well-separated classes, and their labels."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(n_classes), per_class)
    centres = 2 * np.eye(n_classes, 5)
    return centres[labels] + spread * rng.normal(size=(len(labels), 5)), labels
