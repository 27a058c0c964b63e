"""The head's part and the backbone's: their decreases, and training both, against a network that is trained."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from problems import assert_close

from lin_ft.errors import InputError
from lin_ft.predict import (
    backbone_decrease,
    backbone_part,
    budget_time,
    decompose,
    head_decrease,
    loss_decrease,
    train_both_parts,
)

N, D, CLASSES = 9, 4, 3
RATES = np.array([0.1, 0.4, 0.3, 0.05])
LABELS = np.arange(N) % CLASSES


def inputs(n: int = N, d: int = D, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


def trained(x, start, rates, momentum, kept, backbone=True):
    """Logits of f = (x V) W + b, W = b = 0 at first, by optax."""
    params = {"v": jnp.asarray(start), "w": jnp.zeros((start.shape[1], CLASSES)), "b": jnp.zeros(CLASSES)}

    def loss(params):
        logits = x[kept] @ params["v"] @ params["w"] + params["b"][None]
        return optax.softmax_cross_entropy_with_integer_labels(logits, LABELS[kept]).mean()

    optimizer = optax.trace(momentum, nesterov=True)
    state = optimizer.init(params)
    for rate in rates:
        gradient = jax.grad(loss)(params)
        if not backbone:
            gradient["v"] = 0 * gradient["v"]
        updates, state = optimizer.update(gradient, state)
        params = jax.tree.map(lambda p, u, rate=rate: p - rate * u, params, updates)
    return np.asarray(x @ params["v"] @ params["w"] + params["b"][None])


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("width", [3, 12])
def test_both_parts_are_a_network_of_two_linear_layers(momentum, width):
    """There the NTK of the features is x xᵀ ⊗ I, so nothing is approximate; also of more features than images."""
    x, start = inputs(), np.random.default_rng(1).normal(size=(D, width))
    found = train_both_parts(x @ start, x @ x.T, LABELS, RATES, momentum=momentum)
    assert_close(found, trained(x, start, RATES, momentum, np.arange(N)), condition=10)


def test_the_head_alone():
    x, start = inputs(), np.eye(D)
    found = train_both_parts(x, None, LABELS, RATES, momentum=0.5)
    assert_close(found, trained(x, start, RATES, 0.5, np.arange(N), backbone=False), condition=10)
    assert not np.allclose(found, train_both_parts(x, x @ x.T, LABELS, RATES, momentum=0.5))


def test_folds_are_refits():
    x, start = inputs(), np.random.default_rng(1).normal(size=(D, 5))
    folds = np.arange(N) // CLASSES
    found = train_both_parts(x @ start, x @ x.T, LABELS, RATES, momentum=0.9, folds=folds)
    for fold in range(3):
        kept = np.flatnonzero(folds != fold)
        assert_close(found[folds == fold], trained(x, start, RATES, 0.9, kept)[folds == fold], condition=10)


def test_decreases_are_those_of_gradient_flow():
    phi, targets = inputs(), np.eye(CLASSES)[LABELS] - 1 / CLASSES
    spectrum = decompose(phi @ phi.T + 1)
    total = 0.5 * np.sum(targets**2)
    assert_close(head_decrease(phi, targets, 7.0), loss_decrease(spectrum, targets, [7.0 / N])[0] / total)
    backbone = inputs(d=20, seed=2) @ inputs(d=20, seed=2).T
    spectrum = decompose(backbone)
    want = loss_decrease(spectrum, targets, [0.3 / spectrum.scale])[0] / total
    assert_close(backbone_decrease(backbone, targets), want)
    assert backbone_decrease(1000 * backbone, targets) == pytest.approx(want)
    assert_close(backbone_part(backbone + phi @ phi.T + 1, phi), backbone, condition=10)


def test_times_of_budgets():
    assert budget_time(150, 0.01, 0.9) == pytest.approx(15)
    assert budget_time(150, 0.03, 0.9) == pytest.approx(45)
    # a constant gradient moves weights by the time of the flow, but for the first steps
    velocity = moved = 0.0
    for _ in range(2000):
        velocity = 0.9 * velocity + 1
        moved += 0.01 * velocity
    assert moved == pytest.approx(budget_time(2000, 0.01, 0.9), rel=0.01)


def test_bad_input():
    x = inputs()
    with pytest.raises(InputError, match="diverges at a learning rate of 1e"):
        train_both_parts(x, x @ x.T, LABELS, np.full(60, 1e200))
    with pytest.raises(InputError, match="give finite rates"):
        train_both_parts(x, None, LABELS, np.array([np.inf]))
    with pytest.raises(InputError, match="budget: 3 steps"):
        budget_time(3, 0.1, 1.0)
    with pytest.raises(InputError, match="time -1"):
        head_decrease(x, np.eye(CLASSES)[LABELS], -1.0)
