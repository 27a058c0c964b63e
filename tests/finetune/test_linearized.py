"""The linearized network, trained step by step, ends where the closed forms of lin_ft.predict say."""

import dataclasses

import numpy as np
import pytest
from networks import CLASSES, ConvNet, conv_net, conv_variables, images, one_hot

from lin_ft.finetune import FinetuneConfig
from lin_ft.finetune.grid import Draw, Point, train_grid
from lin_ft.finetune.networks import function_of
from lin_ft.functions import logits_of
from lin_ft.kernels import gram
from lin_ft.predict import decompose, predict_logits, predict_logits_by_descent
from lin_ft.sharding import local
from lin_ft.trainable import split

N = 6
CONFIG = FinetuneConfig(
    steps=9, batch_size=N, momentum=0.5, schedule="constant", warmup=0.0, network="linearized", loss="squared", shift=0
)


def trained_logits(config, rate, x_test, trainable="all"):
    variables = conv_variables()
    weights, frozen = split(variables["params"], trainable)
    config = dataclasses.replace(config, trainable=trainable)
    x, y = images(N), np.arange(N) % CLASSES
    draw = Draw(x, y, images(0), np.arange(0), weights, variables["batch_stats"], 0)
    module = ConvNet(CLASSES)
    (row,) = train_grid(module, frozen, [draw], [Point(0, rate, 0.0)], config, devices=local(1))
    return logits_of(function_of(module, "linearized", row.statistics, frozen, weights), row.weights, x_test), row


def closed_form(trainable, x_test):
    apply, params = conv_net()
    x = images(N)
    kernel = gram(apply, params, x, output="full", trainable=trainable)
    cross = gram(apply, params, x_test, x, output="full", trainable=trainable)
    logits = {"logits0": logits_of(apply, params, x), "logits0_test": logits_of(apply, params, x_test)}
    return decompose(kernel), cross, logits


@pytest.mark.parametrize("trainable", ["all", "head", "last_block"])
@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_it_is_gradient_descent_in_closed_form(trainable, momentum):
    x_test = images(4, seed=3)
    spectrum, cross, logits = closed_form(trainable, x_test)
    rate = 2.0 ** np.floor(np.log2(N / spectrum.eigenvalues[-1]))  # exact in float32, stable
    config = dataclasses.replace(CONFIG, momentum=momentum)
    trained, row = trained_logits(config, rate, x_test, trainable)
    # The loss is a mean over N images, that of the closed form a sum.
    expected = predict_logits_by_descent(
        spectrum, cross, one_hot(N), [CONFIG.steps], learning_rate=rate / N, momentum=momentum, nesterov=True, **logits
    )[0, 0]
    np.testing.assert_allclose(trained, expected, rtol=1e-8, atol=1e-9)
    assert not np.allclose(trained, logits["logits0_test"], atol=1e-3), "it has moved"
    assert row.curve[-1] < row.curve[0]


def test_many_small_steps_are_gradient_flow():
    x_test = images(4, seed=3)
    spectrum, cross, logits = closed_form("all", x_test)
    rate, steps = 2.0**-7 * N / 2 ** np.ceil(np.log2(spectrum.eigenvalues[-1])), 200
    trained, _ = trained_logits(dataclasses.replace(CONFIG, steps=steps, momentum=0.0), rate, x_test)
    expected = predict_logits(spectrum, cross, one_hot(N), [float(np.float32(rate)) / N * steps], **logits)[0, 0]
    moved = np.abs(expected - logits["logits0_test"]).max()
    assert np.abs(trained - expected).max() < 0.01 * moved
