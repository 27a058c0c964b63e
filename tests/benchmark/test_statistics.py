"""Correlations, regret, trials, gains and calibration against scipy, brute force and values worked out by hand."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lin_ft.benchmark import CORRELATIONS, best_of_first, calibration, gain, gain_curve, regret, trials
from lin_ft.errors import InputError

few_values = st.lists(st.integers(0, 3), min_size=3, max_size=7)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize(
    ("name", "twin"),
    [
        ("spearman", stats.spearmanr),
        ("kendall", stats.kendalltau),
        ("weighted_tau", stats.weightedtau),
        ("pearson", stats.pearsonr),
    ],
)
def test_correlations_equal_scipy(name, twin, ties):
    rng = np.random.default_rng(0)
    for n in (3, 8, 30):
        s, a = rng.normal(size=(2, n))
        if ties:
            s, a = np.round(s), np.round(2 * a) / 4
        if np.ptp(s) and np.ptp(a):
            np.testing.assert_allclose(CORRELATIONS[name](s, a), twin(s, a).statistic, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("correlation", CORRELATIONS.values())
def test_correlations_leave_out_missing_values_and_never_make_one_up(correlation):
    a = np.array([0.1, 0.2, 0.4, 0.8, np.nan])
    assert correlation(a, a) == pytest.approx(1)
    assert correlation(-a, a) == pytest.approx(-1)
    assert math.isnan(correlation(np.ones(5), a))
    assert math.isnan(correlation(np.array([1, 2, np.nan, np.nan, 3.0]), a))


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_correlations_do_not_depend_on_the_scale_of_a_score(scale):
    s, a = np.random.default_rng(1).normal(size=(2, 9))
    for correlation in CORRELATIONS.values():
        assert correlation(scale * s, a) == pytest.approx(correlation(s, a))


def orders(scores):
    """Every order of the models that the scores allow."""
    return [
        order
        for order in itertools.permutations(range(len(scores)))
        if all(scores[i] >= scores[j] for i, j in itertools.pairwise(order))
    ]


@given(few_values, st.data())
def test_best_of_first_and_trials_are_means_over_all_orders_that_ties_allow(scores, data):
    accuracies = data.draw(st.lists(st.integers(0, 5), min_size=len(scores), max_size=len(scores)))
    s, a = np.asarray(scores, float), np.asarray(accuracies, float) / 10
    allowed = orders(s)
    curve = np.mean([np.maximum.accumulate(a[list(order)]) for order in allowed], axis=0)
    np.testing.assert_allclose(best_of_first(s, a), curve, atol=1e-12)
    for tolerance in (0.0, 0.1):
        places = [1 + next(i for i, m in enumerate(order) if a[m] >= a.max() - tolerance - 1e-9) for order in allowed]
        assert trials(s, a, tolerance) == pytest.approx(np.mean(places))


def test_random_choice_is_a_constant_score():
    a = np.random.default_rng(2).random(6)
    assert best_of_first(np.zeros(6), a)[2] == pytest.approx(np.mean([max(c) for c in itertools.combinations(a, 3)]))
    assert trials(np.zeros(30), np.arange(30.0) / 30, 0.0) == pytest.approx(15.5)


def test_regret_gain_and_curve_by_hand():
    s, a = np.array([3.0, 2.0, 1.0]), np.array([0.5, 0.7, 0.9])
    assert regret(s, a, 1) == pytest.approx(0.4)
    assert regret(s, a, 3) == 0
    assert gain(s, a, 0.6, 2) == pytest.approx(0.1)
    np.testing.assert_allclose(gain_curve(s, a, 0.6), [-0.1, 0.1, 0.3])
    assert trials(s, a, 0.0) == 3
    assert trials(s, a, 0.21) == 2


def test_models_without_score_come_last_and_those_without_accuracy_do_not_take_part():
    a = np.array([0.9, 0.2, 0.3, np.nan])
    assert regret(np.array([np.nan, 1, 2, 9.0]), a, 1) == pytest.approx(0.6)
    assert trials(np.array([np.nan, 1, 2, 9.0]), a, 0.0) == 3
    assert len(best_of_first(np.zeros(4), a)) == 4
    assert math.isnan(regret(np.zeros(2), np.full(2, np.nan), 1))


def test_calibration_recovers_a_line():
    p = np.linspace(0.2, 0.8, 7)
    result = calibration(np.append(p, np.nan), np.append(0.5 * p + 0.1, 0.3))
    assert (result.n, result.slope, result.intercept) == (7, pytest.approx(0.5), pytest.approx(0.1))
    assert result.mean_absolute_error == pytest.approx(np.abs(0.5 * p - 0.1).mean())
    assert result.bias == pytest.approx(0.5 * 0.5 - 0.1)
    assert math.isnan(calibration(np.full(3, 0.5), np.arange(3.0)).slope)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: regret(np.zeros(3), np.zeros(3), 4), "k = 4"),
        (lambda: gain(np.zeros(3), np.zeros(3), 0.1, 0), "k = 0"),
        (lambda: trials(np.zeros(3), np.zeros(3), -0.1), "tolerance"),
        (lambda: calibration(np.zeros(3), np.zeros(2)), "predictions"),
        (lambda: calibration(np.full(2, np.nan), np.zeros(2)), "no model"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InputError, match=message):
        call()
