"""Gradient flow against direct solves, matrix exponentials, explicit training and scikit-learn."""

import numpy as np
import pytest
import scipy.linalg
from problems import KERNELS, assert_close, full_kernel, linear_model, problem
from sklearn.kernel_ridge import KernelRidge

from lin_ft.errors import InputError
from lin_ft.predict import decompose, dual_coefficients, loss_decrease, predict_logits, training_residuals

TIMES = np.array([0.0, 1e-6, 0.3, 1.0, 40.0])


@pytest.mark.parametrize("ridge", [0.0, 0.2])
@pytest.mark.parametrize("kind", KERNELS)
def test_training_residuals_are_the_matrix_exponential(kind, ridge):
    kernel, residual0 = problem(kind)
    n = len(kernel)
    found = training_residuals(decompose(kernel), residual0, TIMES, [ridge])[:, 0]
    for time, residual in zip(TIMES, found, strict=True):
        # alpha' = -A alpha + r0, with r0 as constant extra coordinates
        system = np.block([[-(kernel + ridge * np.eye(n)), residual0], [np.zeros((3, n + 3))]])
        alpha = scipy.linalg.expm(system * time)[:n, n:]
        assert_close(residual, residual0 - kernel @ alpha, condition=10, size=np.abs(residual0).max())


@pytest.mark.parametrize("kind", KERNELS)
def test_time_zero_is_the_initial_function(kind):
    kernel, residual0 = problem(kind)
    logits0, rng = np.ones_like(residual0), np.random.default_rng(1)
    test0 = rng.normal(size=residual0.shape)
    found = predict_logits(decompose(kernel), kernel, residual0, [0.0], [0.0, 3.0], logits0=logits0, logits0_test=test0)
    np.testing.assert_array_equal(found, np.stack([[test0, test0]]))


@pytest.mark.parametrize("ridge", [1e-3, 0.5])
def test_infinite_time_is_the_direct_solve(ridge):
    kernel, targets = problem("full_rank", n=20)
    spectrum = decompose(kernel[:15, :15])
    found = predict_logits(spectrum, kernel[15:, :15], targets[:15], ridges=[ridge])[0, 0]
    solved = kernel[15:, :15] @ np.linalg.solve(kernel[:15, :15] + ridge * np.eye(15), targets[:15])
    assert_close(found, solved, condition=1 / ridge)
    assert_close(
        predict_logits(spectrum, kernel[15:, :15], targets[:15], [1e9], [ridge])[0, 0], solved, condition=1 / ridge
    )


def test_agrees_with_scikit_learn():
    kernel, targets = problem("full_rank", n=20)
    theirs = KernelRidge(alpha=0.05, kernel="precomputed").fit(kernel[:15, :15], targets[:15])
    spectrum = decompose(kernel[:15, :15])
    assert_close(dual_coefficients(spectrum, targets[:15], ridges=[0.05])[0, 0], theirs.dual_coef_, condition=20)
    found = predict_logits(spectrum, kernel[15:, :15], targets[:15], ridges=[0.05])[0, 0]
    assert_close(found, theirs.predict(kernel[15:, :15]), condition=20)


@pytest.mark.parametrize("kind", ["low_rank", "duplicates", "blocks", "zero"])
@pytest.mark.parametrize("time", [1e12, 1e30, np.inf])
def test_singular_kernel_at_long_times_is_the_pseudo_inverse(kind, time):
    kernel, targets = problem(kind, n=20)
    found = dual_coefficients(decompose(kernel), targets, [time])[0, 0]
    assert_close(found, np.linalg.pinv(kernel, rcond=1e-12, hermitian=True) @ targets, condition=100)


def test_null_space_is_left_out_with_ridge_too():
    kernel, targets = problem("low_rank")
    inside = kernel @ np.linalg.pinv(kernel, rcond=1e-12, hermitian=True)
    expected = inside @ np.linalg.solve(kernel + 0.1 * np.eye(13), targets)
    assert_close(dual_coefficients(decompose(kernel), targets, ridges=[0.1])[0, 0], expected, condition=100)


@pytest.mark.parametrize("ridge", [0.0, 0.3])
def test_training_an_explicit_model_by_small_steps(ridge):
    """Plain gradient descent on the weights, full kernel, initial logits; Richardson's extrapolation of the step."""
    jacobian, jacobian_test, logits0, test0, targets = linear_model()
    time = 3.0
    ends = []
    for steps in (4000, 8000):
        moved = np.zeros(jacobian.shape[-1])
        for _ in range(steps):
            residual = targets - logits0 - jacobian @ moved
            moved += time / steps * (np.einsum("icp,ic->p", jacobian, residual) - ridge * moved)
        ends.append(test0 + jacobian_test @ moved)
    found = predict_logits(
        decompose(full_kernel(jacobian, jacobian)),
        full_kernel(jacobian_test, jacobian),
        targets,
        [time],
        [ridge],
        logits0=logits0,
        logits0_test=test0,
    )[0, 0]
    first, second = (np.abs(end - found).max() for end in ends)
    assert second < 1e-3
    assert first / second == pytest.approx(2, rel=0.01)  # first order in the step
    assert np.abs(2 * ends[1] - ends[0] - found).max() < 1e-6


def test_curve_is_the_decrease_of_the_loss():
    kernel, residual0 = problem("duplicates")
    spectrum = decompose(kernel)
    left = training_residuals(spectrum, residual0, TIMES)[:, 0]
    losses = 0.5 * np.sum(left**2, axis=(1, 2))
    assert_close(loss_decrease(spectrum, residual0, TIMES), losses[0] - losses)


def test_slope_of_the_curve_at_zero_is_label_gradient():
    kernel, residual0 = problem("full_rank")
    label_gradient = np.sum(residual0 * (kernel @ residual0))
    step = 1e-5
    one, two = loss_decrease(decompose(kernel), residual0, [step, 2 * step])
    assert (4 * one - two) / (2 * step) == pytest.approx(label_gradient, rel=1e-8)


def test_curve_rises_to_the_energy_in_the_range():
    kernel, residual0 = problem("low_rank")
    curve = loss_decrease(decompose(kernel), residual0, [0.0, 0.1, 1.0, 10.0, 1e9, np.inf])
    assert (np.diff(curve) >= 0).all()
    assert curve[0] == 0
    inside = kernel @ np.linalg.pinv(kernel, rcond=1e-12) @ residual0
    assert_close(curve[-1], 0.5 * np.sum(inside**2), condition=10)


def test_full_kernel_of_shared_outputs_predicts_the_same():
    kernel, targets = problem("full_rank", n=9)
    full = np.einsum("ij,cd->icjd", kernel, np.eye(3))
    args = (TIMES, [0.0, 0.1])
    shared = predict_logits(decompose(kernel[:6, :6]), kernel[6:, :6], targets[:6], *args)
    each = predict_logits(decompose(full[:6, :, :6]), full[6:, :, :6], targets[:6], *args)
    assert_close(each, shared, condition=100)
    residuals = training_residuals(decompose(full[:6, :, :6]), targets[:6], *args)
    assert_close(residuals, training_residuals(decompose(kernel[:6, :6]), targets[:6], *args), condition=100)


def test_order_of_samples_and_rotation_of_outputs_do_not_matter():
    kernel, targets = problem("full_rank", n=15)
    train, cross = kernel[:12, :12], kernel[12:, :12]
    rng = np.random.default_rng(2)
    order, rotation = rng.permutation(12), np.linalg.qr(rng.normal(size=(3, 3)))[0]
    plain = predict_logits(decompose(train), cross, targets[:12], [2.0], [0.01])
    shuffled = predict_logits(decompose(train[np.ix_(order, order)]), cross[:, order], targets[order], [2.0], [0.01])
    rotated = predict_logits(decompose(train), cross, targets[:12] @ rotation, [2.0], [0.01])
    assert_close(shuffled, plain, condition=10)
    assert_close(rotated, plain @ rotation, condition=10)


@pytest.mark.parametrize(
    ("times", "ridges"),
    [([], [0.0]), ([-1.0], [0.0]), ([np.nan], [0.0]), ([1.0], [-1e-9]), ([1.0], [np.inf]), ([1.0], [np.nan])],
)
def test_bad_grids(times, ridges):
    kernel, targets = problem("full_rank")
    with pytest.raises(InputError, match="give"):
        dual_coefficients(decompose(kernel), targets, times, ridges)


def test_bad_inputs():
    kernel, targets = problem("full_rank")
    spectrum = decompose(kernel)
    with pytest.raises(InputError, match="or neither"):
        predict_logits(spectrum, kernel, targets, logits0=targets)
    with pytest.raises(InputError, match="cross-kernel: shape"):
        predict_logits(spectrum, kernel[:, :5], targets)
    with pytest.raises(InputError, match="cross-kernel: holds NaN"):
        predict_logits(spectrum, kernel * np.nan, targets)
