"""Discrete steps against Optax on the explicit linear model, step by step."""

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from problems import assert_close, full_kernel, linear_model, problem

from lin_ft.errors import InputError
from lin_ft.predict import (
    decompose,
    descent_coefficients,
    largest_stable_learning_rate,
    predict_logits,
    predict_logits_by_descent,
)

OPTIMIZERS = [(0.0, False), (0.9, False), (0.9, True), (0.5, True)]


def trained(steps: int, learning_rate: float, momentum: float, nesterov: bool, ridge: float) -> np.ndarray:
    """Test logits after training the weights with Optax."""
    jacobian, jacobian_test, logits0, test0, targets = linear_model()
    optimizer = optax.sgd(learning_rate, momentum=momentum or None, nesterov=nesterov)
    moved = jnp.zeros(jacobian.shape[-1])
    state = optimizer.init(moved)
    for _ in range(steps):
        residual = targets - logits0 - jacobian @ moved
        gradient = -jnp.einsum("icp,ic->p", jacobian, residual) + ridge * moved
        updates, state = optimizer.update(gradient, state)
        moved = moved + updates
    return test0 + jacobian_test @ np.asarray(moved)


@pytest.mark.parametrize("ridge", [0.0, 0.3])
@pytest.mark.parametrize(("momentum", "nesterov"), OPTIMIZERS)
def test_equals_training_with_optax(momentum, nesterov, ridge):
    jacobian, jacobian_test, logits0, test0, targets = linear_model()
    found = predict_logits_by_descent(
        decompose(full_kernel(jacobian, jacobian)),
        full_kernel(jacobian_test, jacobian),
        targets,
        [0, 1, 2, 50],
        [ridge],
        learning_rate=0.4,
        momentum=momentum,
        nesterov=nesterov,
        logits0=logits0,
        logits0_test=test0,
    )[:, 0]
    for steps, logits in zip((0, 1, 2, 50), found, strict=True):
        assert_close(logits, trained(steps, 0.4, momentum, nesterov, ridge), condition=10)


@pytest.mark.parametrize(("momentum", "nesterov"), OPTIMIZERS)
def test_small_steps_approach_gradient_flow(momentum, nesterov):
    """With momentum the flow is 1 / (1 - momentum) times as fast."""
    kernel, targets = problem("full_rank", n=15)
    spectrum = decompose(kernel[:12, :12])
    args = (spectrum, kernel[12:, :12], targets[:12])
    flow = predict_logits(*args, [4.0])
    rate = 1e-5
    found = predict_logits_by_descent(
        *args,
        [round(4.0 * (1 - momentum) / rate)],
        learning_rate=rate,
        momentum=momentum,
        nesterov=nesterov,
    )
    np.testing.assert_allclose(found, flow, rtol=0, atol=1e-3 * np.abs(flow).max())


@pytest.mark.parametrize(("momentum", "nesterov"), OPTIMIZERS)
def test_billions_of_steps_reach_the_solve(momentum, nesterov):
    kernel, targets = problem("full_rank")
    alpha = descent_coefficients(
        decompose(kernel), targets, [10**9], [0.01], learning_rate=0.5, momentum=momentum, nesterov=nesterov
    )[0, 0]
    assert_close(alpha, np.linalg.solve(kernel + 0.01 * np.eye(13), targets), condition=100)


@pytest.mark.parametrize("momentum", [0.0, 0.25, 0.81])
def test_coinciding_roots_of_the_recursion(momentum):
    """eta x = (1 -+ sqrt(momentum))² makes the closed form with roots divide by zero; steps by hand are the oracle."""
    steps = np.array([(1 - np.sqrt(momentum)) ** 2, (1 + np.sqrt(momentum)) ** 2, 1e-13])
    steps = steps[steps > 0]
    residual0 = np.ones((len(steps), 1))
    spectrum = decompose(np.diag(steps))
    alpha, velocity = np.zeros(len(steps)), np.zeros(len(steps))
    for _ in range(40):
        velocity = momentum * velocity + steps * alpha - 1
        alpha = alpha - velocity
    found = descent_coefficients(spectrum, residual0, [40], learning_rate=1.0, momentum=momentum)[0, 0, :, 0]
    assert_close(found, alpha, condition=10)


@pytest.mark.parametrize(("momentum", "nesterov"), OPTIMIZERS)
def test_largest_stable_learning_rate_parts_bounded_from_diverging(momentum, nesterov):
    kernel, _ = problem("full_rank")
    spectrum = decompose(kernel)
    stable = largest_stable_learning_rate(spectrum, 0.5, momentum=momentum, nesterov=nesterov)
    for factor, bounded in ((0.99, True), (1.01, False)):
        step = factor * stable * (spectrum.eigenvalues[-1] + 0.5)
        alpha = velocity = 0.0
        for _ in range(4000):
            gradient = step * alpha - 1
            velocity = momentum * velocity + gradient
            alpha -= gradient + momentum * velocity if nesterov else velocity
        assert bool(abs(alpha) < 10) == bounded
    options = {"momentum": momentum, "nesterov": nesterov}
    descent_coefficients(spectrum, np.ones((13, 1)), [9], [0.5], learning_rate=0.99 * stable, **options)
    with pytest.raises(InputError, match=r"diverges at ridge 0\.5.*the largest stable one is"):
        descent_coefficients(spectrum, np.ones((13, 1)), [9], [0.5], learning_rate=1.01 * stable, **options)


def test_nothing_to_learn():
    spectrum = decompose(np.zeros((3, 3)))
    assert largest_stable_learning_rate(spectrum) == np.inf
    found = descent_coefficients(spectrum, np.ones((3, 2)), [5], learning_rate=7.0)
    np.testing.assert_array_equal(found, np.zeros((1, 1, 3, 2)))


def test_bad_input():
    kernel, targets = problem("full_rank")
    spectrum = decompose(kernel)
    with pytest.raises(InputError, match="whole numbers"):
        descent_coefficients(spectrum, targets, np.array([1.5]), learning_rate=0.1)
    with pytest.raises(InputError, match="give numbers >= 0"):
        descent_coefficients(spectrum, targets, [-1], learning_rate=0.1)
    with pytest.raises(InputError, match="learning rate"):
        descent_coefficients(spectrum, targets, [1], learning_rate=0.0)
    with pytest.raises(InputError, match="momentum"):
        descent_coefficients(spectrum, targets, [1], learning_rate=0.1, momentum=1.0)
