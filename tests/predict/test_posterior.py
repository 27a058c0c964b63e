"""Covariances against Bayesian linear regression, scikit-learn, and the exact spread of trained linear models."""

import numpy as np
import pytest
from problems import assert_close
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import DotProduct

from lin_ft.predict import decompose, ensemble_covariance, posterior_covariance


def features(n: int = 8, n_test: int = 5, d: int = 11) -> tuple[np.ndarray, np.ndarray]:
    phi = np.random.default_rng(0).normal(size=(n + n_test, d)) / np.sqrt(d)
    return phi[:n], phi[n:]


def test_posterior_is_bayesian_linear_regression():
    train, test = features()
    ridge = 0.2
    precision = np.eye(11) + train.T @ train / ridge
    found = posterior_covariance(decompose(train @ train.T), test @ train.T, test @ test.T, [ridge])[0]
    assert_close(found, test @ np.linalg.solve(precision, test.T), condition=100)


def test_posterior_is_that_of_scikit_learn():
    train, test = features()
    process = GaussianProcessRegressor(DotProduct(0.0, "fixed"), alpha=0.2, optimizer=None)
    _, expected = process.fit(train, np.zeros(8)).predict(test, return_cov=True)
    found = posterior_covariance(decompose(train @ train.T), test @ train.T, test @ test.T, [0.2])[0]
    assert_close(found, expected, condition=100)


def test_nothing_is_uncertain_where_training_inputs_span():
    train, _ = features(d=3)
    theta = train @ train.T
    found = posterior_covariance(decompose(theta), theta, theta)[0]
    assert_close(found, np.zeros((8, 8)), size=10 * np.abs(theta).max())


@pytest.mark.parametrize("time", [0.0, 0.7, 20.0, np.inf])
def test_ensemble_is_the_spread_of_trained_linear_models(time):
    """f = phi w from w ~ N(0, S): training maps w linearly, so the covariance is exact, no sampling."""
    train, test = features()
    root = np.random.default_rng(4).normal(size=(11, 11))
    prior = root @ root.T
    values, vectors = np.linalg.eigh(train @ train.T)
    fitted = (vectors * ((1 - np.exp(-values * time)) / values)) @ vectors.T
    kept = np.eye(11) - train.T @ fitted @ train  # w_t = kept w_0 + what the targets add
    expected = test @ kept @ prior @ kept.T @ test.T
    found = ensemble_covariance(
        decompose(train @ train.T),
        test @ train.T,
        train @ prior @ train.T,
        test @ prior @ train.T,
        test @ prior @ test.T,
        [time],
    )[0, 0]
    assert_close(found, expected, condition=100)


def test_ensemble_with_its_own_kernel_at_infinite_time_is_the_posterior():
    train, test = features()
    theta, cross, both = train @ train.T, test @ train.T, test @ test.T
    ensemble = ensemble_covariance(decompose(theta), cross, theta, cross, both)[0, 0]
    assert_close(ensemble, posterior_covariance(decompose(theta), cross, both)[0], condition=100)
