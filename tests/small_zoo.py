"""A zoo of small convolutional networks and folders of images: what experiments and notebooks run on in the tests."""

import itertools
from pathlib import Path

import jax
import numpy as np
from networks import ConvNet, conv_variables
from PIL import Image

from lin_ft.benchmark.collect import as_table, write_parquet
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


def small_truth(path: Path, seeds=(0,), shots=(4,), tasks=TASKS) -> Path:
    """A table as `lin-ft bench collect` writes it, with every pair, accuracies in the order of NAMES."""
    rows = []
    for task, n_shots, seed in itertools.product(tasks, shots, seeds):
        for place, name in enumerate(NAMES):
            accuracy = 0.5 + place / 10 + (seed - tasks.index(task) * place) / 100
            of_pair = {
                "model": name, "task": task, "shots": n_shots, "seed": seed, "image_size": 32, "n": 8, "n_classes": 2,
                "n_test": 8, "source": name, "domain": "d", "architecture": "small", "family": "single",
                "n_params": 300, "source_test_accuracy": 0.5, "device": "cpu", "commit": "abc", "versions": "python 3",
                "peak_memory_mb": 9.0, "work_cpu_seconds": 1.0,
            }  # fmt: skip
            rates = {"test_accuracy/0.01": accuracy - 0.1, "test_accuracy/0.03": 1 - accuracy}
            tuned = {"part": "finetune", "status": "done", "test_accuracy": accuracy, "learning_rate": 0.01, **rates}
            tuned |= {"seconds": 10.0, "work_seconds": 10.0, "work": f"f{len(rows)}"}
            rows.append(of_pair | tuned)
            scores = {("logme", None, None): -float(place), ("predicted_decrease", "random", None): float(place)}
            for head in ("random", "zero"):
                scores["predicted_accuracy", head, "image"] = accuracy - 0.1
            work = {"part": "scores", "seconds": 0.1, "work_seconds": 1.0, "work": f"s{len(rows)}"}
            for (score, head, left_out), value in scores.items():
                rows.append(of_pair | work | {"score": score, "head": head, "left_out": left_out, "value": value})
    write_parquet(as_table(rows), path)
    return path
