"""Fine-tuning learns, is a function of its seed, chooses on validation, and says when it diverges."""

import dataclasses
import json

import numpy as np
import pytest
from tiny import light_task, random_model

from lin_ft.data import Task
from lin_ft.errors import InputError
from lin_ft.finetune import FinetuneConfig, finetune
from lin_ft.zoo import ZooModel

CONFIG = FinetuneConfig(steps=12, batch_size=8, learning_rates=(0.01, 0.05), shift=1)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> ZooModel:
    return random_model(tmp_path_factory.mktemp("zoo"), "random")


@pytest.fixture(scope="module")
def task() -> Task:
    return light_task()


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


def test_a_single_step_is_allowed(model, task):
    assert len(finetune(model, task, dataclasses.replace(CONFIG, steps=1, learning_rates=(0.01,))).curve) == 1


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


def test_without_validation_images_the_learning_rate_must_be_given(model, task):
    bare = dataclasses.replace(task, validation=task.validation.take(np.arange(0)))
    with pytest.raises(InputError, match="no validation images"):
        finetune(model, bare, CONFIG)
    assert finetune(model, bare, dataclasses.replace(CONFIG, steps=2, learning_rates=(0.01,))).learning_rate == 0.01


@pytest.mark.parametrize(
    "changes", [{"steps": 0}, {"batch_size": 0}, {"learning_rates": ()}, {"learning_rates": (0.0,)}]
)
def test_impossible_settings_are_one_sentence(changes):
    with pytest.raises(InputError, match="give at least"):
        FinetuneConfig(**changes)
