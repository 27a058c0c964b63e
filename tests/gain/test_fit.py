"""The fit finds the coefficients that made the data; judgement knows a good prediction from a bad one."""

import dataclasses

import numpy as np
import pytest

from lin_ft.errors import InputError
from lin_ft.gain import averaged, fit, judge, judge_gains, leaving_tasks_out
from lin_ft.gain.fit import draw_noise, mean_of_draws

N_TASKS, N_MODELS = 40, 8


def made(within=3.0, across=6.0, spread=2.0, noise=2.0, draw=1.0, draws=2, seed=0):
    rng = np.random.default_rng(seed)
    groups = ["a"] * 4 + ["b"] * 4
    evidence = rng.normal(size=(1, N_TASKS, N_MODELS)) + rng.normal(size=(1, N_TASKS, 2)).repeat(4, -1)
    middle = evidence.reshape(1, N_TASKS, 2, 4).mean(-1).repeat(4, -1)
    advantage = spread * rng.normal(size=N_MODELS)
    accuracy = advantage + within * (evidence - middle) + across * middle + noise * rng.normal(size=evidence.shape)
    accuracy = accuracy + 20 * rng.normal(size=(1, N_TASKS, 1))  # a level of its own for every task
    accuracy = accuracy + draw * rng.normal(size=(draws, N_TASKS, N_MODELS))
    return accuracy, evidence.repeat(draws, 0), groups, advantage


def test_coefficients_are_found():
    accuracy, evidence, groups, advantage = made()
    found = fit(accuracy, evidence, groups, 0, calibrated=False)
    assert found.coefficients.within == pytest.approx(3, abs=0.5)
    assert found.coefficients.across == pytest.approx(6, abs=0.5)
    assert found.coefficients.noise == pytest.approx(2, abs=0.5)
    assert found.coefficients.draw == pytest.approx(1, abs=0.15)
    means = np.array([prior.mean for prior in found.priors])
    np.testing.assert_allclose(means, advantage - advantage.mean(), atol=1.2)


def test_one_architecture_takes_the_weight_that_is_given():
    accuracy, evidence, _, _ = made()
    assert fit(accuracy, evidence, ["a"] * 8, 0, across=1.5, calibrated=False).coefficients.across == 1.5
    same = fit(accuracy, evidence, ["a"] * 8, 0, calibrated=False).coefficients
    assert same.across == same.within


def test_left_out_tasks_are_covered_as_promised_and_beat_the_prior():
    accuracy, evidence, groups, _ = made()
    found = leaving_tasks_out(accuracy[:1, :12], evidence[:1, :12], groups, 0, draws=accuracy[:, :12])
    row = judge(found, accuracy[1, :12], draw=1.0)
    prior = judge(leaving_tasks_out(accuracy[:1, :12], 0 * evidence[:1, :12], groups, 0), accuracy[1, :12])
    assert row.error < 0.7 * prior.error
    assert 0.8 < row.coverage <= 1
    assert row.log_score > prior.log_score
    assert row.regret < prior.regret


def test_a_perfect_prediction_and_its_reverse():
    measured = np.array([[1.0, 4.0, 2.0], [8.0, 5.0, 0.0]])
    gains = measured - measured[:, [1]]
    perfect = judge_gains(gains, measured, 1)
    assert dataclasses.astuple(perfect)[:2] == (0, 0)
    assert (perfect.regret, perfect.spearman) == (0, 1)
    reverse = judge_gains(-gains, measured, 1)
    assert reverse.spearman == -1
    assert reverse.regret == pytest.approx((3 + 8) / 2)
    assert reverse.error == pytest.approx(2 * (3 + 2 + 3 + 5) / 4)


def test_noise_of_draws_is_without_what_all_models_share():
    rng = np.random.default_rng(0)
    y = 10 * rng.normal(size=(5, 30, 1)) + 2 * rng.normal(size=(5, 30, 40))
    assert draw_noise(y) == pytest.approx(2, rel=0.05)
    assert draw_noise(y[:1]) == 0


def test_draws_that_are_missing_count_as_fewer():
    accuracy, evidence, groups, _ = made(draws=3)
    ragged = accuracy.copy()
    ragged[1:, ::2] = np.nan
    found = fit(ragged, evidence, groups, 0, calibrated=False).coefficients
    whole = fit(accuracy, evidence, groups, 0, calibrated=False).coefficients
    assert found.within == pytest.approx(whole.within, abs=0.4)
    assert found.draw == pytest.approx(1, abs=0.2)
    np.testing.assert_array_equal(mean_of_draws(ragged)[::2], accuracy[0, ::2])
    np.testing.assert_allclose(mean_of_draws(ragged)[1::2], accuracy[:, 1::2].mean(0))
    of_one = fit(ragged[:1], evidence[:1], groups, 0, calibrated=False, draw=0.0).coefficients
    assert fit(np.concatenate([ragged[:1], ragged[:1] * np.nan]), evidence[:2], groups, 0, calibrated=False,
               draw=0.0).coefficients == of_one  # fmt: skip


def test_models_without_a_past_are_as_wide_as_models_differ():
    accuracy, evidence, groups, advantage = made(spread=4.0)
    assert fit(accuracy, evidence, groups, 0, calibrated=False).spread == pytest.approx(advantage[1:].std(), rel=0.25)


def test_the_noise_of_each_task_widens_its_intervals():
    accuracy, evidence, groups, _ = made()
    found = leaving_tasks_out(accuracy[:1, :6], evidence[:1, :6], groups, 0)
    noise = np.array([0.0, 0, 0, 0, 0, 9])
    narrow, wide = (judge(found, accuracy[1, :6], draw=each) for each in (0.0, noise))
    extra = found[5].interval(0.9, draw=9.0) - found[5].interval(0.9)
    assert wide.width - narrow.width == pytest.approx((extra[1:, 1] - extra[1:, 0]).mean() / 6)
    both = averaged([narrow, wide])
    assert both.width == pytest.approx((narrow.width + wide.width) / 2)
    assert both.n == 2 * narrow.n


def test_bad_input():
    accuracy, evidence, groups, _ = made()
    with pytest.raises(InputError, match="1 tasks"):
        fit(accuracy[:, :1], evidence[:, :1], groups, 0)
    with pytest.raises(InputError, match="complete"):
        fit(accuracy * np.nan, evidence, groups, 0)
    accuracy[0, 0, 0] = np.nan
    with pytest.raises(InputError, match="complete"):
        fit(accuracy, evidence, groups, 0)
