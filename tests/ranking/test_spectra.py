"""Spectra: definitions against direct formulas."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lin_ft.errors import InputError
from lin_ft.spectra import spectrum_of


def problem(seed=0, n=12, n_classes=3):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(n, 30))
    return rows @ rows.T, np.eye(n_classes)[np.arange(n) % n_classes]


def test_energy_eigenvalues_and_curve_by_direct_formulas():
    kernel, targets = problem()
    found = spectrum_of(kernel, targets, "model", "task")
    n = len(kernel)
    centring = np.eye(n) - np.ones((n, n)) / n
    centred = centring @ kernel @ centring
    residual = targets - targets.mean(0)
    values, vectors = np.linalg.eigh(centred)
    mean = np.trace(centred) / n
    np.testing.assert_allclose(found.eigenvalues, np.maximum(values[::-1] / mean, 0), atol=1e-12)
    np.testing.assert_allclose(found.label_energy[:-1], ((vectors.T @ residual) ** 2).sum(1)[::-1][:-1] / 8, atol=1e-12)
    assert found.label_energy.sum() == pytest.approx(1)
    # the curve by small steps of gradient descent on the linear model itself
    t, steps, r = 0.3, 20_000, residual.copy()
    for _ in range(steps):
        r = r - t / steps * centred @ r / mean
    np.testing.assert_allclose(found.unfitted(np.array([t])), (r**2).sum() / (residual**2).sum(), rtol=1e-3)
    assert found.alignment == pytest.approx(
        np.sum(centred * (residual @ residual.T)) / np.linalg.norm(centred) / np.linalg.norm(residual @ residual.T)
    )
    assert found.effective_dimension(0.1) == pytest.approx(
        np.trace(centred @ np.linalg.inv(centred + 0.1 * mean * np.eye(n)))
    )
    assert found.learning_rate == pytest.approx(2 * n / values[-1])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(0.05, 0.95))
def test_time_to_fit_is_where_the_curve_crosses(seed, share):
    found = spectrum_of(*problem(seed))
    time = found.time_to_fit(share)
    assert found.unfitted(np.array([time]))[0] == pytest.approx(1 - share, abs=1e-6)


def test_labels_outside_the_kernel_never_fit():
    targets = np.eye(2)[[0, 1, 0, 1]]
    kernel = np.outer([1.0, 1, -1, -1], [1.0, 1, -1, -1])
    assert spectrum_of(kernel, targets).time_to_fit(0.5) == np.inf


def test_bad_input():
    kernel, targets = problem()
    with pytest.raises(InputError, match="between 0 and 1"):
        spectrum_of(kernel, targets).time_to_fit(1.0)
    with pytest.raises(InputError, match="two classes"):
        spectrum_of(kernel, np.ones((12, 1)))
    with pytest.raises(InputError, match="not symmetric"):
        spectrum_of(kernel + np.triu(kernel, 1), targets)
