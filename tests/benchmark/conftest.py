"""A zoo of two random models, a folder of images as the task, and the configuration that crosses them."""

import numpy as np
import pytest
from PIL import Image
from tiny import images, random_model

CONFIG = """
from lin_ft.benchmark.config import BenchConfig
from lin_ft.finetune import FinetuneConfig
config = BenchConfig(name="tiny", zoo={zoo!r}, tasks=({task!r},), shots=(4,), seeds=(0, 1), reference="first",
                     scores=("logme", "etran"), left_out=("image", "shot"),
                     finetune=FinetuneConfig(steps=2, batch_size=8, learning_rates=({rates},)))
"""


@pytest.fixture(scope="session")
def zoo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    for seed, name in enumerate(("first", "second")):
        random_model(folder, name, seed)
    return folder


@pytest.fixture(scope="session")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for split, n in (("train", 8), ("test", 5)):
        data = images(n, np.random.default_rng(len(split)))
        for index, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
            path = folder / split / data.class_names[label] / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)
    return folder


@pytest.fixture
def config_file(zoo, photos, tmp_path):
    def write(rates="0.01", text=CONFIG):
        path = tmp_path / "config.py"
        path.write_text(text.format(zoo=str(zoo), task=str(photos), rates=rates))
        return path

    return write
