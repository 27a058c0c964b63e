"""Cross-entropy dynamics against plain gradient descent on explicit weights, and its first-order limit."""

import numpy as np
import pytest
from problems import full_kernel, linear_model

from lin_ft.errors import InputError
from lin_ft.predict import decompose, predict_logits, predict_logits_by_cross_entropy

INTEGRATION = 1e-6
"""Relative to the largest logit, 100 times the integrator's tolerance: its steps differ by processor, and their errors
are of the size of the largest entry, not of each."""


def softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def test_training_an_explicit_model_by_small_steps():
    jacobian, jacobian_test, logits0, test0, targets = linear_model()
    time, ends = 3.0, []
    for steps in (2000, 4000):
        moved = np.zeros(jacobian.shape[-1])
        for _ in range(steps):
            residual = targets - softmax(logits0 + jacobian @ moved)
            moved += time / steps * np.einsum("icp,ic->p", jacobian, residual)
        ends.append(test0 + jacobian_test @ moved)
    found = predict_logits_by_cross_entropy(
        full_kernel(jacobian, jacobian),
        full_kernel(jacobian_test, jacobian),
        targets,
        [time, 0.0, time],
        logits0=logits0,
        logits0_test=test0,
    )
    assert np.abs(ends[1] - found[0]).max() < 1e-3
    assert np.abs(2 * ends[1] - ends[0] - found[0]).max() < 1e-6
    np.testing.assert_array_equal(found[1], test0)
    np.testing.assert_array_equal(found[2], found[0])


def test_starts_as_the_squared_loss_with_targets_minus_uniform():
    """At f0 = 0 the first-order motion is Theta (Y - 1/C) t; both losses share it."""
    jacobian, jacobian_test, _, _, targets = linear_model()
    kernel, cross = full_kernel(jacobian, jacobian), full_kernel(jacobian_test, jacobian)
    time = 1e-5
    flow = predict_logits(decompose(kernel), cross, targets - 1 / 3, [time])[0, 0]
    found = predict_logits_by_cross_entropy(kernel, cross, targets, [time])[0]
    assert np.abs(found - flow).max() < 1e-4 * np.abs(flow).max()


def test_kernel_shared_by_outputs_and_separable_data():
    rng = np.random.default_rng(0)
    features, labels = rng.normal(size=(6, 10)), np.arange(6) % 2
    kernel, targets = features @ features.T, np.eye(2)[labels]
    found = predict_logits_by_cross_entropy(kernel, kernel, targets, [100.0])[0]
    full = np.einsum("ij,cd->icjd", kernel, np.eye(2))
    expected = predict_logits_by_cross_entropy(full, full, targets, [100.0])[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=INTEGRATION * np.abs(expected).max())
    assert (softmax(found)[np.arange(6), labels] > 0.95).all()


def test_unit_of_the_kernel_does_not_matter():
    jacobian, _, _, _, targets = linear_model()
    kernel = full_kernel(jacobian, jacobian)
    one = predict_logits_by_cross_entropy(kernel, kernel, targets, [200.0])
    for unit in (1e-9, 1e9):
        found = predict_logits_by_cross_entropy(unit * kernel, unit * kernel, targets, [200.0 / unit])
        np.testing.assert_allclose(found, one, rtol=0, atol=INTEGRATION * np.abs(one).max())


def test_bad_input():
    kernel, targets = np.eye(4), np.eye(4)[:, :2]
    with pytest.raises(InputError, match="rows of probabilities"):
        predict_logits_by_cross_entropy(kernel, kernel, targets, [1.0])
    targets = np.full((4, 2), 0.5)
    with pytest.raises(InputError, match="finite numbers"):
        predict_logits_by_cross_entropy(kernel, kernel, targets, [np.inf])
    with pytest.raises(InputError, match="20 evaluations did not reach"):
        predict_logits_by_cross_entropy(kernel, kernel, np.eye(2)[[0, 1, 0, 1]], [1e4], max_evaluations=20)
    with pytest.raises(InputError, match="does not go with"):
        predict_logits_by_cross_entropy(np.eye(3), kernel, targets, [1.0])
