"""A zoo of small convolutional networks and folders of images: what experiments and notebooks run on in the tests."""

import json
from pathlib import Path

import jax
import numpy as np
from networks import ConvNet, conv_variables
from PIL import Image

from lin_ft.zoo import ModelCard, architectures, save_card, save_weights

NAMES = ("first", "second", "third", "fourth")
TASKS = ("stripes", "spots")


def small_zoo(folder: Path, monkeypatch) -> Path:
    """Entries NAMES of the architecture "small", 32 pixels, with random weights."""
    monkeypatch.setitem(architectures.ARCHITECTURES, "small", ConvNet)
    for seed, name in enumerate(NAMES):
        variables = jax.tree.map(np.asarray, conv_variables(seed=seed, dtype=np.float32))
        save_weights(folder / f"{name}.safetensors", variables)
        card = ModelCard(
            name=name, architecture="small", source=name, domain="d", class_names=("a", "b", "c"), image_size=32,
            mean=(0.5,) * 3, std=(0.25,) * 3, n_params=300, n_train=1, n_test=1, test_accuracy=0.5 + seed / 10,
            licence="", command="", commit="", hardware="", seconds=0.0, seed=seed, recipe={}, sha256=str(seed),
        )  # fmt: skip
        save_card(folder / f"{name}.json", card)
    return folder


def small_tasks(folder: Path, n_train: int = 6, n_test: int = 4) -> Path:
    """folder/TASK/{train,test}/CLASS/N.png of two classes each: upright or lying stripes, large or small spots."""
    rng = np.random.default_rng(0)
    ramp = np.arange(32) // 4 % 2 * 150
    kinds = {"stripes": (np.tile(ramp, (32, 1)), np.tile(ramp, (32, 1)).T), "spots": (ramp * ramp[:, None] // 150, 75)}
    for task, images in kinds.items():
        for split, n in (("train", n_train), ("test", n_test)):
            for label, image in zip(("one", "two"), images, strict=True):
                for index in range(n):
                    path = folder / task / split / label / f"{index}.png"
                    path.parent.mkdir(parents=True, exist_ok=True)
                    noisy = rng.integers(0, 60, (32, 32, 3)) + np.broadcast_to(image, (32, 32))[..., None]
                    Image.fromarray(noisy.astype(np.uint8)).save(path)
    return folder


def small_truth(folder: Path, seeds=(0,), shots: int = 4) -> Path:
    """Cells as verify_ranking.py writes them, for every pair, accuracies in the order of NAMES."""
    folder.mkdir(parents=True, exist_ok=True)
    for task in TASKS:
        for seed in seeds:
            for place, name in enumerate(NAMES):
                accuracy = 0.5 + place / 10 + seed / 100
                rates = {"0.01": accuracy - 0.1, "0.03": 1 - accuracy}
                prediction = {
                    "predicted_accuracy": accuracy - 0.05,
                    "predicted_loss": 0.1,
                    "label_gradient": 0.1 * place,
                }
                prediction["label_feature_correlation"] = -0.1 * place
                cell = {
                    "task": task, "shots": shots, "seed": seed, "model": name, "n": 8, "n_classes": 2,
                    "finetuned": {"test_accuracy": accuracy, "learning_rate": 0.01, "validation_accuracy": rates},
                    "random": prediction, "zero": prediction, "k_nearest_neighbours": 0.5, "source_accuracy": 0.5,
                }  # fmt: skip
                (folder / f"{task}-{seed}-{name}.json").write_text(json.dumps(cell))
    return folder
