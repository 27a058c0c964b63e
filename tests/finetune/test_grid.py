"""Points of a grid trained together end where they end one by one; draws, stopping, several devices."""

import ast
import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from networks import CLASSES, ConvNet, conv_variables, images

from lin_ft.errors import InputError
from lin_ft.finetune import FinetuneConfig
from lin_ft.finetune.grid import Draw, Point, train_grid
from lin_ft.finetune.networks import LOSSES
from lin_ft.sharding import local
from lin_ft.trainable import merge, split

MODULE = ConvNet(CLASSES)
VARIABLES = conv_variables()
CONFIG = FinetuneConfig(steps=7, batch_size=4, learning_rates=(0.1, 0.02), weight_decays=(0.0, 0.1), shift=1, flip=True)
POINTS = [Point(0, rate, decay) for rate in CONFIG.learning_rates for decay in CONFIG.weight_decays]


def draw(seed=0, trainable="all", n=9) -> Draw:
    x, y = images(n, seed=seed), np.arange(n) % CLASSES
    weights, _ = split(VARIABLES["params"], trainable)
    return Draw(x, y, images(6, seed=9), np.arange(6) % CLASSES, weights, VARIABLES["batch_stats"], seed)


def trained(config=CONFIG, points=POINTS, draws=None, devices=1, **keywords):
    draws = draws or [draw(trainable=config.trainable)]
    frozen = split(VARIABLES["params"], config.trainable)[1]
    rows = train_grid(MODULE, frozen, draws, points, config, devices=local(devices), **keywords)
    return rows, frozen


def assert_alike(rows, others, rtol=1e-9):
    for one, other in zip(rows, others, strict=True):
        assert one.point == other.point
        assert one.step == other.step
        assert len(one.curve) == len(other.curve)
        np.testing.assert_allclose(one.curve, other.curve, rtol=rtol)
        np.testing.assert_allclose(one.validation_curve, other.validation_curve, rtol=rtol)
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-10),
            (one.weights, one.statistics),
            (other.weights, other.statistics),
        )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"optimizer": "adamw", "trainable": "last_block"},
        {"network": "linearized", "loss": "squared"},
        {"trainable": "head", "schedule": "tenths"},
    ],
)
def test_trained_together_or_one_by_one(changes):
    config = dataclasses.replace(CONFIG, **changes)
    together, _ = trained(dataclasses.replace(config, together=4))
    one_by_one, _ = trained(dataclasses.replace(config, together=1))
    assert_alike(together, one_by_one)
    curves = [row.curve for row in together]
    assert len(set(curves)) == len(curves), "every point has its own rate and decay"


def test_groups_of_any_size_and_early_stopping_change_nothing():
    config = dataclasses.replace(CONFIG, steps=12, evaluate_every=2, patience=2)
    rows, _ = trained(dataclasses.replace(config, together=3))
    singles, _ = trained(dataclasses.replace(config, together=1))
    assert_alike(rows, singles)
    assert any(len(row.curve) < 12 for row in rows), "one of them stops early here"
    whole, _ = trained(dataclasses.replace(config, patience=0, together=1))
    for row, long in zip(rows, whole, strict=True):
        assert row.curve == pytest.approx(long.curve[: len(row.curve)], rel=1e-9)


def test_the_best_look_at_the_validation_images_is_kept():
    config = dataclasses.replace(CONFIG, steps=8, evaluate_every=2, learning_rates=(0.5,), weight_decays=(0.0,))
    (row,), frozen = trained(config, [Point(0, 0.5, 0.0)])
    looks = {step: (-accuracy, loss) for step, accuracy, loss in row.validation_curve}
    assert list(looks) == [2, 4, 6, 8]
    assert row.step == min(looks, key=lambda step: looks[step])
    variables = {"params": merge(row.weights, frozen), "batch_stats": row.statistics}
    logits = MODULE.apply(variables, images(6, seed=9))
    assert float(LOSSES["cross_entropy"](logits, np.arange(6) % CLASSES)) == pytest.approx(looks[row.step][1])
    (short,), _ = trained(dataclasses.replace(config, evaluate_every=0), [Point(0, 0.5, 0.0)])
    assert short.step == 8


def test_draws_train_together_with_their_own_images_and_order():
    draws = [draw(seed=0), draw(seed=1)]
    points = [Point(place, 0.1, 0.0) for place in range(2)]
    together, _ = trained(dataclasses.replace(CONFIG, together=2), points, draws)
    apart = [trained(dataclasses.replace(CONFIG, together=1), [Point(0, 0.1, 0.0)], [one])[0][0] for one in draws]
    assert together[0].curve == pytest.approx(apart[0].curve, rel=1e-9)
    assert together[1].curve == pytest.approx(apart[1].curve, rel=1e-9)
    assert together[0].curve != together[1].curve
    with pytest.raises(InputError, match="equal numbers of images"):
        trained(CONFIG, points, [draw(), draw(n=8)])


CHILD = """
import sys
sys.path.insert(0, {tests!r})
import jax
jax.config.update("jax_enable_x64", True)
from test_grid import CONFIG, POINTS, trained
print([row.curve for row in trained(CONFIG, POINTS[:3], devices=2)[0]])
"""


def test_two_devices_share_the_points():
    tests = Path(__file__).parent
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(tests.parents[1]), str(tests.parent)]),
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2 --xla_backend_optimization_level=0",
    }
    command = [sys.executable, "-c", CHILD.format(tests=str(tests))]
    child = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    here, _ = trained(dataclasses.replace(CONFIG, together=1), POINTS[:3])
    np.testing.assert_allclose(ast.literal_eval(child.stdout), [row.curve for row in here], rtol=1e-9)


def test_a_diverging_point_leaves_the_others_alone():
    points = [Point(0, 1e30, 1e30), Point(0, 0.02, 0.0)]
    (bad, good), _ = trained(dataclasses.replace(CONFIG, together=2), points)
    (alone,), _ = trained(dataclasses.replace(CONFIG, together=1), points[1:])
    assert bad.diverged
    assert not good.diverged
    assert good.curve == pytest.approx(alone.curve, rel=1e-9)


def test_what_is_frozen_stays_and_statistics_move_only_in_batch_mode():
    before = VARIABLES["batch_stats"]
    for trainable, moves in (("all", True), ("norm", True), ("last_block", False), ("head", False)):
        config = dataclasses.replace(CONFIG, trainable=trainable)
        assert config.updates_statistics == moves
        (row,), _ = trained(config, POINTS[:1])
        moved = np.abs(row.statistics["stem_norm"]["mean"] - before["stem_norm"]["mean"]).max() > 0
        assert moved == moves
        leaves = jax.tree_util.tree_leaves_with_path(row.weights)
        paths = {jax.tree_util.keystr(path, simple=True, separator="/").split("/")[0] for path, _ in leaves}
        expected = {"norm": {"head", "stem_norm"}, "last_block": {"head", "block1"}, "head": {"head"}}
        assert paths == expected.get(trainable, {"head", "stem_norm", "block1", "stem"})
        start = draw(trainable=trainable).weights
        assert all(jax.tree.leaves(jax.tree.map(lambda a, b: not np.array_equal(a, b), row.weights, start)))


def test_a_step_of_each_optimizer_is_its_formula():
    """One full-batch step by hand: w - rate (g + decay w) Nesterov, w - rate (g / (|g| + eps) + decay w)."""
    rate, decay, momentum = 0.5, 0.25, 0.5
    one = dataclasses.replace(draw(), y=np.zeros(9, int))
    frozen_statistics = {"batch_norm": "frozen", "shift": 0, "flip": False, "schedule": "constant", "warmup": 0.0}
    weights = one.weights

    def loss(w):
        variables = {"params": w, "batch_stats": VARIABLES["batch_stats"]}
        return LOSSES["cross_entropy"](MODULE.apply(variables, one.x), one.y)

    gradient = jax.jit(jax.grad(loss))(weights)
    decayed = jax.tree.map(lambda w: decay * w * (w.ndim > 1), weights)
    sgd = jax.tree.map(lambda w, g, d: w - rate * (1 + momentum) * (g + d), weights, gradient, decayed)
    adam = jax.tree.map(lambda w, g, d: w - rate * (g / (abs(g) + 1e-8) + d), weights, gradient, decayed)
    for optimizer, expected in (("sgd", sgd), ("adamw", adam)):
        config = dataclasses.replace(
            CONFIG, steps=1, batch_size=9, optimizer=optimizer, momentum=momentum, **frozen_statistics
        )
        (row,), _ = trained(config, [Point(0, rate, decay)], [one])
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9), row.weights, expected)
