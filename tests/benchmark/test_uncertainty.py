"""Noise ceilings, the interval of every table, paired tests: known values and simulations."""

import math

import numpy as np
import pytest
from scipy import stats

from lin_ft.benchmark import (
    Results,
    holm,
    noise_ceiling,
    over_tasks,
    paired_tests,
    reachable,
    spearman,
    spearman_brown,
)
from lin_ft.benchmark.ceiling import over_all
from lin_ft.benchmark.comparison import sign_flip_test, wilcoxon_test
from lin_ft.benchmark.truth import of_all_draws
from lin_ft.errors import InputError


def simulated(noise: float, n_draws: int = 2, n_tasks: int = 4, n_models: int = 400) -> tuple[Results, np.ndarray]:
    """Accuracies that are a true value, a shift of the whole draw, and noise; and the true values, (T, M)."""
    rng = np.random.default_rng(0)
    true = rng.normal(0.5, 0.02, (n_tasks, n_models))
    shift = rng.normal(0, 0.05, (n_draws, n_tasks, 1))
    accuracy = np.clip(true + shift + rng.normal(0, noise, (n_draws, n_tasks, n_models)), 0, 1)
    names = tuple(f"m{i}" for i in range(n_models))
    return Results(names, tuple(f"t{i}" for i in range(n_tasks)), accuracy, "m0"), true


@pytest.mark.parametrize(("noise", "n_draws"), [(0.01, 2), (0.02, 4), (0.04, 2)])
def test_ceilings_are_what_an_oracle_reaches(noise, n_draws):
    results, true = simulated(noise, n_draws)
    rows = noise_ceiling(results)
    single = np.mean([spearman(true[t], a[t]) for a in results.accuracy for t in range(4)])
    mean = np.mean([spearman(true[t], of_all_draws(results)[t]) for t in range(4)])
    assert np.mean([reachable(row.agreement, 1) for row in rows]) == pytest.approx(single, abs=0.03)
    assert np.mean([reachable(row.agreement, row.n_draws) for row in rows]) == pytest.approx(mean, abs=0.03)
    assert np.mean([row.model_spread for row in rows]) == pytest.approx(0.02, rel=0.1)
    assert np.mean([row.draw_spread for row in rows]) == pytest.approx(noise, rel=0.1)


def test_two_draws_are_split_half_reliability():
    results, _ = simulated(0.02)
    (row, *_) = noise_ceiling(results)
    rho = stats.spearmanr(*results.accuracy[:, 0]).statistic
    assert row.agreement == pytest.approx(rho)
    assert row.reliability == pytest.approx(2 * rho / (1 + rho))


def test_tasks_that_only_differ_by_noise_are_not_rankable():
    rng = np.random.default_rng(3)
    accuracy = np.stack([rng.normal(0.5, 0.02, (3, 20)), rng.normal(0.5, 0.002, (3, 20)) + np.linspace(0, 0.3, 20)], 1)
    names = tuple(map(str, range(20)))
    noise, signal = noise_ceiling(Results(names, ("noise", "signal"), accuracy, "0"))
    assert (noise.rankable, signal.rankable) == (False, True)
    with pytest.raises(InputError, match="two draws"):
        noise_ceiling(Results(names, ("one",), accuracy[:1, :1], "0"))


def test_a_task_without_a_second_draw_is_not_called_noise():
    results, _ = simulated(0.001, n_models=5)
    results.accuracy[1, 0] = np.nan
    unknown, *known = noise_ceiling(results)
    assert unknown.rankable
    assert np.isnan(unknown.reliability)
    assert all(row.rankable and row.reliability > 0 for row in known)


def test_spearman_brown_as_the_issue_has_it():
    assert [round(spearman_brown(0.474, n), 2) for n in (1, 2, 4, 6, 8)] == [0.47, 0.64, 0.78, 0.84, 0.88]
    assert reachable(0.474, 4) == pytest.approx(math.sqrt(spearman_brown(0.474, 4)))
    assert reachable(-0.2, 4) == 0
    assert spearman_brown(-0.9, 4) == -1
    assert math.isnan(reachable(math.nan, 2))


def test_more_draws_agree_as_predicted_from_two():
    """Means of four draws against means of four others: the reliability that Spearman-Brown foretells."""
    results, _ = simulated(0.04, n_draws=8)
    halves = results.accuracy[:4].mean(axis=0), results.accuracy[4:].mean(axis=0)
    measured = np.mean([spearman(a, b) for a, b in zip(*halves, strict=True)])
    agreement = over_all(noise_ceiling(Results(results.models, results.tasks, results.accuracy[:2], "m0")))
    assert spearman_brown(agreement, 4) == pytest.approx(measured, abs=0.05)


def test_a_draw_that_has_hardly_begun_does_not_empty_a_task():
    results, _ = simulated(0.02, n_draws=3, n_models=30)
    whole = noise_ceiling(results)
    partial = results.accuracy.copy()
    partial[2, :, 4:] = np.nan
    rows = noise_ceiling(Results(results.models, results.tasks, partial, "m0"))
    assert [row.n_draws for row in rows] == [2] * 4
    assert all(np.isfinite(row.agreement) and np.isfinite(row.draw_spread) for row in rows)
    partial[2] = results.accuracy[2]
    partial[2, 0, 0] = np.nan
    rows = noise_ceiling(Results(results.models, results.tasks, partial, "m0"))
    assert rows[0].n_draws == 3
    assert rows[1] == whole[1]


@pytest.mark.parametrize(("n", "coverage"), [(5, 0.92), (14, 0.94)])
def test_the_interval_covers_what_it_says(n, coverage):
    """Three standard errors of 1000 trials are .02 to .03; plain percentiles of five values cover .85."""
    rng = np.random.default_rng(n)
    covered = 0
    for _ in range(1000):
        _, low, high = over_tasks(rng.normal(0, 1, n), repeats=1000)
        covered += low <= 0 <= high
    assert covered / 1000 == pytest.approx(coverage, abs=0.027)


def test_the_interval_is_the_bootstrap_of_the_mean_a_little_wider():
    values = np.random.default_rng(0).gamma(2, 1, 60)
    middle, low, high = over_tasks(values)
    assert middle == pytest.approx(values.mean())
    twin = stats.bootstrap((values,), np.mean, method="percentile", rng=np.random.default_rng(0)).confidence_interval
    assert low == pytest.approx(twin.low, abs=0.08)
    assert high == pytest.approx(twin.high, abs=0.08)
    assert high - low > twin.high - twin.low


def test_intervals_are_over_tasks_of_means_over_draws():
    seen = np.asarray([[0.0, 1.0, np.nan, 0.5], [np.nan, 0.0, np.nan, 0.5]])
    middle, low, high = over_tasks(seen)
    assert middle == pytest.approx(1 / 3)
    assert low == 0
    assert high == pytest.approx(0.5)
    assert over_tasks(np.full((1, 2), 0.25)) == (0.25, 0.25, 0.25)
    assert over_tasks(np.asarray([0.4]))[0] == 0.4
    assert np.isnan(over_tasks(np.asarray([0.4]))[1:]).all()
    assert np.isnan(over_tasks(np.full(3, np.nan))).all()
    assert over_tasks(seen, seed=1) == over_tasks(seen, seed=1)


def test_intervals_of_a_difference_are_paired():
    rng = np.random.default_rng(1)
    base = rng.normal(0, 1, 14)
    _, low, high = over_tasks((base + 0.1) - base)
    assert (low, high) == (pytest.approx(0.1), pytest.approx(0.1))


def test_sign_flips_by_hand_and_against_scipy():
    assert sign_flip_test(np.array([1.0, 2.0, 3.0])) == pytest.approx(2 / 8)
    assert sign_flip_test(np.zeros(4)) == 1
    d = np.random.default_rng(4).normal(0.5, 1, 10)
    twin = stats.permutation_test((d,), np.sum, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip_test(d) == pytest.approx(twin.pvalue)
    many = np.random.default_rng(5).normal(0.2, 1, 40)
    assert sign_flip_test(many) == pytest.approx(stats.ttest_1samp(many, 0).pvalue, abs=0.02)
    assert wilcoxon_test(np.array([1.0, 2, 3, 4, 5, 6, 7, 8])) == pytest.approx(2 / 2**8)


def test_holm_by_hand():
    assert holm((0.01, 0.04, 0.03)) == pytest.approx((0.03, 0.06, 0.06))
    assert holm((0.6, 0.7)) == (1.0, 1.0)


def test_paired_tests_find_the_difference_and_keep_its_sign():
    rng = np.random.default_rng(6)
    base = rng.normal(0, 1, 12)
    values = {"good": base + 1, "alike": base + rng.normal(0, 0.3, 12), "base": base}
    rows = {frozenset((row.first, row.second)): row for row in paired_tests(values)}
    assert len(rows) == 3
    assert rows[frozenset(("good", "base"))].p_holm < 0.01
    assert rows[frozenset(("good", "base"))].difference == pytest.approx(1)
    assert rows[frozenset(("alike", "base"))].p_holm > 0.05
    assert len(paired_tests(values, against="base", test="wilcoxon")) == 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: paired_tests({"a": np.zeros(3)}), "at least two scores"),
        (lambda: paired_tests({"a": np.zeros(3), "b": np.zeros(2)}), "same tasks"),
        (lambda: paired_tests({"a": np.zeros(3), "b": np.zeros(3)}, test="t"), "test 't'"),
        (lambda: paired_tests({"a": np.zeros(3), "b": np.zeros(3)}, against="c"), "score 'c'"),
        (lambda: over_tasks(np.zeros(3), level=2.0), "level"),
        (lambda: over_tasks(np.zeros(3), repeats=0), "0 repeats"),
        (lambda: Results(("a", "a"), ("t",), np.full((1, 1, 2), 0.5), "b"), "twice.*reference"),
        (lambda: Results(("a",), ("t",), np.full((1, 1, 1), 50.0), "a"), "fractions"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InputError, match=message):
        call()
