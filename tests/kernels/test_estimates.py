"""Trace estimators: unbiased, honest standard errors, Hutch++ better where few eigenvalues dominate."""

import jax
import numpy as np
import pytest
from networks import conv_net, images

from lin_ft.errors import InputError
from lin_ft.kernels import NTKProducts, trace_estimate, whole_jacobian_gram
from lin_ft.kernels.estimates import Estimate


@pytest.fixture(scope="module")
def operator():
    apply, params = conv_net()
    x = images(9)
    return NTKProducts(apply, params, x), np.asarray(whole_jacobian_gram(apply, params, x)).reshape(27, 27)


def test_hutch_plus_plus_is_unbiased_and_its_error_honest(operator):
    products, theta = operator
    many = [trace_estimate(products, 3, probes=9, estimator="hutch++", key=jax.random.key(seed)) for seed in range(60)]
    values = np.array([estimate.value for estimate in many])
    assert abs(values.mean() - np.trace(theta)) < 4 * values.std() / np.sqrt(len(values))
    stated = np.sqrt(np.mean([estimate.standard_error**2 for estimate in many]))
    assert stated == pytest.approx(values.std(), rel=0.5)


def test_hutch_plus_plus_beats_hutchinson_on_a_decaying_spectrum(operator):
    products, theta = operator

    def error(estimator):
        estimates = [
            trace_estimate(products, 3, probes=12, estimator=estimator, key=jax.random.key(seed)).value
            for seed in range(20)
        ]
        return np.sqrt(np.mean((np.array(estimates) - np.trace(theta)) ** 2))

    assert error("hutch++") < 0.5 * error("hutchinson")


def test_hutch_plus_plus_is_exact_where_its_probes_span_everything():
    apply, params = conv_net()
    x = images(1)
    theta = np.asarray(whole_jacobian_gram(apply, params, x)).reshape(3, 3)
    estimate = trace_estimate(NTKProducts(apply, params, x), 3, probes=12, estimator="hutch++")
    assert estimate.value == pytest.approx(np.trace(theta), rel=1e-9)
    assert estimate.standard_error < 1e-9 * np.trace(theta)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"estimator": "girard"}, "Unknown estimator 'girard'"), ({"estimator": "hutch++", "probes": 5}, "at least 6")],
)
def test_bad_options_are_one_sentence(operator, options, message):
    with pytest.raises(InputError, match=message):
        trace_estimate(operator[0], 3, **options)


def test_standard_error_by_hand():
    """Of 1 and 3: a standard deviation of the root of 2, over the root of 2."""
    assert Estimate((1.0, 3.0)).standard_error == pytest.approx(1, rel=1e-12)
