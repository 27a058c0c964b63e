"""Fine-tuning learns, is a function of its seed, chooses on validation, and says when it diverges."""

import dataclasses
import json

import jax
import numpy as np
import pytest
from tiny import light_task, random_model

from lin_ft.batch_statistics import STATISTICS
from lin_ft.data import Task
from lin_ft.errors import InputError
from lin_ft.finetune import FinetuneConfig, finetune
from lin_ft.finetune.schedules import factors
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
    ("changes", "message"),
    [
        ({"steps": 0}, "give at least"),
        ({"batch_size": 0}, "give at least"),
        ({"learning_rates": ()}, "give at least"),
        ({"learning_rates": (0.0,)}, "give at least"),
        ({"weight_decays": (-1.0,)}, "weight_decays"),
        ({"optimizer": "lion"}, "one of sgd, adamw"),
        ({"schedule": "magic"}, "one of cosine"),
        ({"trainable": "stem"}, "one of all, head"),
        ({"head": "pretrained"}, "one of zero"),
        ({"patience": 3}, "needs evaluate_every"),
        ({"network": "linearized", "batch_norm": "batch"}, "frozen statistics"),
        ({"momentum": 1.0}, "1 excluded"),
        ({"epochs": -1}, "0 or more"),
    ],
)
def test_impossible_settings_are_one_sentence(changes, message):
    with pytest.raises(InputError, match=message):
        FinetuneConfig(**changes)


def test_a_probe_with_a_ridge_head_and_the_linearized_network(model, task):
    """Head only: what the ridge head starts with is kept or bettered; the grid says everything of every pair."""
    config = dataclasses.replace(
        CONFIG, steps=3, trainable="head", head="ridge", weight_decays=(0.0, 0.01), test_every_point=True
    )
    result = finetune(model, task, config)
    assert result.curve[0] < np.log(2), "it starts from the closed-form probe"
    assert [(p.learning_rate, p.weight_decay) for p in result.grid] == [
        (0.01, 0.0), (0.01, 0.01), (0.05, 0.0), (0.05, 0.01),
    ]  # fmt: skip
    assert all(point.test_accuracy is not None and len(point.curve) == 3 for point in result.grid)
    for name, before in model.variables["params"]["stem"].items():
        np.testing.assert_array_equal(result.variables["params"]["stem"][name], before)
    tangent = finetune(model, task, dataclasses.replace(CONFIG, steps=2, network="linearized", trainable="head"))
    real = finetune(model, task, dataclasses.replace(CONFIG, steps=2, trainable="head"))
    assert tangent.curve == pytest.approx(real.curve, rel=1e-5), "in the head alone the network is linear"


def test_epochs_and_schedules():
    assert FinetuneConfig(epochs=3, batch_size=8).steps_for(20) == 8
    assert FinetuneConfig(steps=5).steps_for(20) == 5
    np.testing.assert_allclose(factors("tenths", 6, 0.0), [1, 1, 1, 0.1, 0.1, 0.01], rtol=1e-6)
    np.testing.assert_allclose(factors("constant", 4, 0.5), [0.5, 1, 1, 1])
    cosine = factors("cosine", 10, 0.2)
    assert cosine[:2].tolist() == pytest.approx([0.5, 1])
    assert cosine[-1] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    "changes", [{"network": "linearized", "head": "random"}, {"trainable": "head"}, {"batch_norm": "frozen"}]
)
def test_frozen_statistics_may_be_the_target_s(model, task, changes):
    config = dataclasses.replace(CONFIG, steps=3, learning_rates=(0.01,), **changes)
    source, target = (finetune(model, task, dataclasses.replace(config, statistics=each)) for each in STATISTICS[::-1])
    want = model.on_target(task.train.images).variables["batch_stats"]
    jax.tree.map(np.testing.assert_array_equal, target.variables["batch_stats"], want)
    jax.tree.map(np.testing.assert_array_equal, source.variables["batch_stats"], model.variables["batch_stats"])
    assert target.curve != source.curve


def test_in_training_mode_they_make_no_difference(model, task):
    config = dataclasses.replace(CONFIG, steps=2, learning_rates=(0.01,))
    curves = {finetune(model, task, dataclasses.replace(config, statistics=each)).curve for each in STATISTICS}
    assert len(curves) == 1
