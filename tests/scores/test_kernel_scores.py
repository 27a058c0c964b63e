"""Scores from the tangent kernel against dense algebra and refits, and what holds for any kernel."""

import numpy as np
import pytest
import samples
from hypothesis import given, settings
from hypothesis import strategies as st

from lin_ft import scores
from lin_ft.scores import SCORES, array_inputs, encode, evaluate

CLOSE = {"rel": 1e-8, "abs": 1e-10}


def drawn(seed=0, d=40):
    phi, y = samples.features(seed, d=d)
    return phi @ phi.T + 1, encode(y) - 0.25, y


def test_by_dense_algebra():
    kernel, targets, y = drawn()
    n, scale = len(y), np.trace(kernel) / len(y)
    values, vectors = np.linalg.eigh(kernel)
    signs = np.where(y[:, None] == y[None], 1, -1 / 3)
    expected = np.sum(kernel * signs) / np.sqrt(np.sum(kernel**2) * np.sum(signs**2))
    assert scores.kernel_target_alignment(kernel, y) == pytest.approx(expected, **CLOSE)
    flow = vectors @ np.diag(np.exp(-10.0 / scale * values)) @ vectors.T
    share = 1 - np.sum((flow @ targets) ** 2) / np.sum(targets**2)
    assert scores.predicted_decrease(kernel, targets) == pytest.approx(share, **CLOSE)
    a = kernel + 1e-3 * scale * np.eye(n)
    complexity = -np.sqrt(np.trace(targets.T @ np.linalg.solve(a, targets)) * np.trace(a)) / n
    assert scores.supervision_complexity(kernel, targets) == pytest.approx(complexity, **CLOSE)
    alpha = np.linalg.solve(a, targets)
    norm = np.sqrt(np.trace(alpha.T @ kernel @ alpha))
    assert scores.tangent_norm(kernel, targets) == pytest.approx(-norm, **CLOSE)
    energy = sum((vectors[:, k] @ targets[:, c]) ** 2 for k in range(n - 4, n) for c in range(4))
    assert scores.label_energy(kernel, targets) == pytest.approx(energy / np.sum(targets**2), **CLOSE)
    assert scores.label_energy(kernel, targets, top=n) == pytest.approx(1)


def test_the_decrease_of_a_full_kernel_is_that_of_gradient_flow():
    import scipy.linalg

    rng = np.random.default_rng(3)
    jacobian, targets = rng.normal(size=(6, 4, 9)), rng.normal(size=(6, 4))
    full = np.einsum("icp,jdp->icjd", jacobian, jacobian)
    theta = full.reshape(24, 24)
    flow = scipy.linalg.expm(-10.0 / (np.trace(theta) / 24) * theta)
    share = 1 - np.sum((flow @ targets.ravel()) ** 2) / np.sum(targets**2)
    assert scores.predicted_decrease(full, targets) == pytest.approx(share, **CLOSE)
    y, of_outputs_alike = rng.normal(size=(24, 3)), np.einsum("ij,cd->icjd", theta, np.eye(3))
    assert scores.predicted_decrease(of_outputs_alike, y) == pytest.approx(scores.predicted_decrease(theta, y), **CLOSE)


def test_the_slope_of_the_predicted_decrease_is_label_gradient():
    kernel, targets, y = drawn()
    slope = scores.predicted_decrease(kernel, targets, time=1e-7) / 1e-7
    assert slope == pytest.approx(2 * len(y) * scores.alignment(kernel, targets, form="trace"), rel=1e-5)


def test_leave_one_out_by_refits():
    from lin_ft.scores.kernel_loo import RIDGES

    kernel, targets, y = drawn()
    n, best = len(y), (np.inf, 0.0)
    for ridge in RIDGES:
        errors = np.zeros_like(targets)
        for i in range(n):
            kept = np.arange(n) != i
            a = kernel[np.ix_(kept, kept)] + ridge * np.trace(kernel) / n * np.eye(n - 1)
            errors[i] = targets[i] - kernel[i, kept] @ np.linalg.solve(a, targets[kept])
        accuracy = np.mean((targets - errors).argmax(1) == y)
        best = min(best, (0.5 * np.mean(np.sum(errors**2, axis=1)), accuracy))
    assert scores.kernel_loo_loss(kernel, targets, y) == pytest.approx(-best[0], **CLOSE)
    assert scores.kernel_loo_accuracy(kernel, targets, y) == pytest.approx(best[1])


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), d=st.integers(4, 60), scale=st.floats(1e-3, 1e3))
def test_order_scale_and_range(seed, d, scale):
    kernel, targets, y = drawn(seed, d)
    order = np.random.default_rng(seed).permutation(len(y))
    chosen = {
        name: score
        for name, score in SCORES.items()
        if "kernel" in score.needs and name not in ("label_gradient_raw", "tangent_norm")
    }
    one = evaluate(chosen, array_inputs(kernel=kernel, targets=targets, labels=y))
    two = evaluate(
        chosen, array_inputs(kernel=scale * kernel[np.ix_(order, order)], targets=targets[order], labels=y[order])
    )
    for name in chosen:
        assert one[name].value == pytest.approx(two[name].value, rel=1e-5, abs=1e-7), name
        if SCORES[name].range == "[0, 1]":
            assert -1e-9 <= one[name].value <= 1 + 1e-9


def test_a_zero_kernel_is_finite():
    _, targets, y = drawn()
    chosen = {name: score for name, score in SCORES.items() if "kernel" in score.needs}
    for name, scored in evaluate(chosen, array_inputs(kernel=np.zeros((24, 24)), targets=targets, labels=y)).items():
        assert np.isfinite(scored.value), name
