"""One Gaussian model of prior and evidence: its gains, intervals, probabilities and sets."""

import numpy as np
import pytest

from lin_ft.errors import InputError
from lin_ft.gain import Coefficients, Posterior, Prior, posterior, standardised
from lin_ft.gain.posterior import parts

COEFFICIENTS = Coefficients(within=2.0, across=5.0, noise=3.0, draw=1.0)


def told(n=4, reference=1, noise=3.0):
    evidence = np.array([1.0, 0.0, -1.0, 2.0])[:n]
    priors = [Prior(float(k), 1.0) for k in range(n)]
    coefficients = Coefficients(2.0, 5.0, noise, 1.0)
    return posterior(evidence, ["a"] * n, priors, coefficients, reference)


def test_gains_are_prior_and_weighted_evidence_over_the_reference():
    np.testing.assert_allclose(told().gain, [2 * 1 + 0 - 1, 0, -2 + 1, 4 + 2])


def test_evidence_between_architectures_has_a_weight_of_its_own():
    evidence, groups = np.array([1.0, -1.0, 4.0, 2.0]), ["a", "a", "b", "b"]
    within, across = parts(evidence, groups)
    np.testing.assert_allclose(within, [1, -1, 1, -1])
    np.testing.assert_allclose(across, [-1.5, -1.5, 1.5, 1.5])
    found = posterior(evidence, groups, [Prior(0.0, 0.0)] * 4, COEFFICIENTS, 0)
    np.testing.assert_allclose(found.mean, 2 * within + 5 * across)


def test_intervals_hold_what_the_model_says():
    found = told()
    rng = np.random.default_rng(0)
    drawn = rng.multivariate_normal(found.mean, found.covariance, 20_000)
    drawn += rng.normal(size=drawn.shape)
    gains = drawn - drawn[:, [1]]
    low, high = found.interval(0.9, draw=1.0).T
    inside = ((low <= gains) & (gains <= high)).mean(0)
    np.testing.assert_allclose(inside[[0, 2, 3]], 0.9, atol=0.01)
    np.testing.assert_array_equal(found.interval()[1], [0, 0])


def test_probabilities_regret_and_sets():
    found = told()
    drawn = np.random.default_rng(1).multivariate_normal(found.mean, found.covariance, 50_000)
    wanted = np.bincount(drawn.argmax(1), minlength=4) / len(drawn)
    np.testing.assert_allclose(found.p_best, wanted, atol=0.01)
    assert found.p_best.sum() == pytest.approx(1)
    assert found.expected_regret(3) == pytest.approx((drawn.max(1) - drawn[:, 3]).mean(), abs=0.1)
    chosen, held = found.smallest_set(0.9)
    assert chosen[0] == 3
    assert held >= 0.9 > held - found.p_best[chosen[-1]]
    assert found.smallest_set(1.0)[0] == [3, 0, 1, 2] or len(found.smallest_set(1.0)[0]) == 4


def test_a_common_constant_changes_nothing():
    one = told()
    other = Posterior(one.mean + 100, one.covariance, one.reference)
    np.testing.assert_allclose(other.gain, one.gain)
    np.testing.assert_allclose(other.p_best, one.p_best)


def test_evidence_is_the_mean_of_z_scores_and_leaves_out_what_says_nothing():
    values = np.array([[1.0, 5.0, np.nan, 3.0], [3.0, 5.0, 2.0, 1.0], [2.0, 5.0, 4.0, 2.0]])
    found = standardised(values)
    z = (values[:, 0] - 2) / np.std(values[:, 0])
    w = (values[:, 3] - 2) / np.std(values[:, 3])
    np.testing.assert_allclose(found, [(z[0] + w[0]) / 2, (z[1] - 1 + w[1]) / 3, (z[2] + 1 + w[2]) / 3])
    np.testing.assert_array_equal(standardised(np.ones((3, 2))), 0)
    np.testing.assert_array_equal(standardised(np.array([[7.0, 2.0]])), 0)


def test_bad_level():
    with pytest.raises(InputError, match=r"level 1\.5"):
        told().interval(1.5)
