"""Fine-tuning learns, is a function of its seed, chooses on validation, and says when it diverges."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lin_ft.data import ImageData, Task
from lin_ft.errors import InputError
from lin_ft.finetune import FinetuneConfig, finetune
from lin_ft.models import resnet20
from lin_ft.zoo import ModelCard, ZooModel, save_weights

CONFIG = FinetuneConfig(steps=12, batch_size=8, learning_rates=(0.01, 0.05), shift=1)


@pytest.fixture(scope="session")
def model(tmp_path_factory) -> ZooModel:
    """A ResNet-20 with random weights."""
    path = tmp_path_factory.mktemp("zoo") / "random.safetensors"
    save_weights(path, resnet20(3).init(jax.random.key(0), jnp.zeros((1, 32, 32, 3), jnp.float32)))
    card = ModelCard(
        name="random", architecture="resnet20", source="s", domain="d", class_names=("a", "b", "c"), image_size=32,
        mean=(0.5,) * 3, std=(0.25,) * 3, n_params=0, n_train=0, n_test=0, test_accuracy=0, licence="", command="",
        commit="", hardware="", seconds=0, seed=0, recipe={},
    )  # fmt: skip
    return ZooModel(card, path)


@pytest.fixture(scope="session")
def task() -> Task:
    """Bright above or bright below, as in the tests of pre-training."""
    rng = np.random.default_rng(1)

    def images(n: int) -> ImageData:
        x = rng.integers(0, 100, (2 * n, 32, 32, 3)).astype(np.uint8)
        x[:n, :16] += 120
        x[n:, 16:] += 120
        return ImageData("halves", x, np.repeat([0, 1], n), ("above", "below"))

    return Task("halves", "halves", ("above", "below"), images(6), images(4), images(10), 6, 0, 0)


def test_it_learns_and_reports_everything(model, task, tmp_path):
    result = finetune(model, task, CONFIG)
    assert result.test_accuracy >= 0.9
    low, high = result.test_accuracy_interval
    assert low <= result.test_accuracy <= high
    assert result.test_accuracy == result.correct.mean()
    assert len(result.curve) == CONFIG.steps
    assert result.curve[-1] < result.curve[0]
    assert result.learning_rate in CONFIG.learning_rates
    result.save_json(tmp_path / "result.json")
    assert json.loads((tmp_path / "result.json").read_text())["test_accuracy"] == result.test_accuracy


def test_the_head_starts_at_zero_so_the_first_loss_is_log_c(model, task):
    curve = finetune(model, task, dataclasses.replace(CONFIG, learning_rates=(0.01,))).curve
    np.testing.assert_allclose(curve[0], np.log(2), rtol=1e-5)


def test_same_seed_same_result_other_seed_another(model, task):
    config = dataclasses.replace(CONFIG, steps=4, learning_rates=(0.01,))
    first, again, other = (finetune(model, task, dataclasses.replace(config, seed=seed)).curve for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_a_diverging_rate_is_left_out_and_all_diverging_is_an_error(model, task):
    config = dataclasses.replace(CONFIG, learning_rates=(1e30, 0.01))
    assert finetune(model, task, config).learning_rate == 0.01
    with pytest.raises(InputError, match="diverged at every learning rate"):
        finetune(model, task, dataclasses.replace(config, learning_rates=(1e30,)))


def test_test_labels_do_not_touch_training(model, task):
    """Shuffled test labels change the accuracy and nothing else."""
    config = dataclasses.replace(CONFIG, steps=4)
    flipped = dataclasses.replace(task.test, labels=1 - task.test.labels)
    one, two = finetune(model, task, config), finetune(model, dataclasses.replace(task, test=flipped), config)
    assert one.curve == two.curve
    assert one.learning_rate == two.learning_rate
    assert one.test_accuracy == pytest.approx(1 - two.test_accuracy)
