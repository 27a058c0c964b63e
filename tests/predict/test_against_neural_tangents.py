"""Closed forms against `neural_tangents.predict`, whose loss is the mean of squares over all n C entries, halved."""

import numpy as np
import pytest
from problems import problem

from lin_ft.kernels.neural_tangents import library
from lin_ft.predict import decompose, predict_logits, training_residuals

N, N_TEST = 15, 5


def drawn(form):
    kernel, targets = problem("full_rank", n=N + N_TEST)
    rng = np.random.default_rng(3)
    logits0 = rng.normal(size=targets.shape)
    if form == "full":
        mixing = rng.normal(size=(3, 3))
        kernel = np.einsum("ij,ce->icje", kernel, mixing @ mixing.T + np.eye(3))
    return kernel, targets, logits0


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("time", [0.0, 0.7, 30.0, None])
@pytest.mark.parametrize("form", ["trace", "full"])
def test_gradient_flow_on_squared_loss(form, time):
    nt = library()
    kernel, y, f0 = drawn(form)
    left, right = slice(N), slice(N, None)
    inner = kernel[left, left] if form == "trace" else kernel[left, :, left]
    cross = kernel[right, left] if form == "trace" else kernel[right, :, left]
    theirs, axes = (lambda k: k if form == "trace" else k.transpose(0, 2, 1, 3)), (-1,) if form == "trace" else ()
    predict = nt.predict.gradient_descent_mse(theirs(inner), y[left], trace_axes=axes)
    fitted, predicted = predict(time, f0[left], f0[right], theirs(cross))
    times = [np.inf if time is None else time / y[left].size]
    spectrum = decompose(inner)
    ours = predict_logits(spectrum, cross, y[left], times, logits0=f0[left], logits0_test=f0[right])[0, 0]
    np.testing.assert_allclose(ours, predicted, rtol=1e-5, atol=1e-5 * np.abs(predicted).max())
    residuals = training_residuals(spectrum, y[left] - f0[left], times)[0, 0]
    np.testing.assert_allclose(y[left] - residuals, fitted, rtol=1e-5, atol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_ridge_is_its_diagonal_regularisation():
    nt = library()
    kernel, y, _ = drawn("trace")
    inner, cross = kernel[:N, :N], kernel[N:, :N]
    predict = nt.predict.gradient_descent_mse(inner, y[:N], diag_reg=0.3, diag_reg_absolute_scale=True)
    _, predicted = predict(None, 0.0, 0.0, cross)
    ours = predict_logits(decompose(inner), cross, y[:N], ridges=[0.3])[0, 0]
    np.testing.assert_allclose(ours, predicted, rtol=1e-5, atol=1e-8)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_largest_learning_rate(momentum):
    kernel, y, _ = drawn("trace")
    theirs = library().predict.max_learning_rate(kernel, y.size, momentum)
    assert theirs == pytest.approx(2 * (1 + momentum) * y.size / np.linalg.eigvalsh(kernel)[-1])
