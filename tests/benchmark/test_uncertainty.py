"""Noise ceilings, bootstrap intervals, paired tests and critical differences: known values and simulations."""

import math

import numpy as np
import pytest
from scipy import stats

from lin_ft.benchmark import (
    STATISTICS,
    Results,
    bootstrap,
    critical_difference,
    holm,
    interval,
    nemenyi_difference,
    noise_ceiling,
    paired_tests,
    per_task,
    spearman,
)
from lin_ft.benchmark.comparison import sign_flip_test, wilcoxon_test
from lin_ft.benchmark.correlation import spearman_of_rows
from lin_ft.errors import InputError


def simulated(noise: float, n_seeds: int = 2, n_tasks: int = 4, n_models: int = 400) -> tuple[Results, np.ndarray]:
    """Accuracies that are a true value, a shift of the whole seed, and noise; and the true values, (T, M)."""
    rng = np.random.default_rng(0)
    true = rng.normal(0.5, 0.02, (n_tasks, n_models))
    shift = rng.normal(0, 0.05, (n_seeds, n_tasks, 1))
    accuracy = np.clip(true + shift + rng.normal(0, noise, (n_seeds, n_tasks, n_models)), 0, 1)
    names = tuple(f"m{i}" for i in range(n_models))
    return Results(names, tuple(f"t{i}" for i in range(n_tasks)), accuracy, "m0"), true


@pytest.mark.parametrize(("noise", "n_seeds"), [(0.01, 2), (0.02, 4), (0.04, 2)])
def test_ceilings_are_what_an_oracle_reaches(noise, n_seeds):
    results, true = simulated(noise, n_seeds)
    rows = noise_ceiling(results)
    single = np.mean([spearman(true[t], a[t]) for a in results.accuracy for t in range(4)])
    mean = np.mean([spearman(true[t], results.mean()[t]) for t in range(4)])
    assert np.mean([row.ceiling_single for row in rows]) == pytest.approx(single, abs=0.03)
    assert np.mean([row.ceiling_mean for row in rows]) == pytest.approx(mean, abs=0.03)
    assert np.mean([row.model_spread for row in rows]) == pytest.approx(0.02, rel=0.1)
    assert np.mean([row.seed_spread for row in rows]) == pytest.approx(noise, rel=0.1)


def test_two_seeds_are_split_half_reliability():
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
    with pytest.raises(InputError, match="two seeds"):
        noise_ceiling(Results(names, ("one",), accuracy[:1, :1], "0"))


def test_a_task_without_a_second_seed_is_not_called_noise():
    results, _ = simulated(0.001, n_models=5)
    results.accuracy[1, 0] = np.nan
    unknown, *known = noise_ceiling(results)
    assert unknown.rankable
    assert np.isnan(unknown.ceiling_mean)
    assert all(row.rankable and row.ceiling_mean > 0 for row in known)


def test_bootstrap_over_tasks_is_the_bootstrap_of_the_mean():
    results, true = simulated(0.02, n_seeds=1, n_tasks=12, n_models=20)
    scores = np.broadcast_to(true, results.accuracy.shape).copy()
    values = per_task(STATISTICS["spearman"], results, scores)[0]
    samples = bootstrap(STATISTICS["spearman"], results, scores, over=("tasks",), repeats=2000)
    assert samples.mean() == pytest.approx(values.mean(), abs=0.01)
    assert samples.std() == pytest.approx(values.std() / math.sqrt(12), rel=0.1)
    low, high = interval(samples)
    twin = stats.bootstrap((values,), np.mean, method="percentile", rng=np.random.default_rng(0)).confidence_interval
    assert (low, high) == (pytest.approx(twin.low, abs=0.02), pytest.approx(twin.high, abs=0.02))


def test_more_levels_widen_the_interval_and_the_seed_decides_the_draw():
    results, true = simulated(0.03, n_tasks=5, n_models=12)
    scores = np.broadcast_to(true, results.accuracy.shape).copy()
    spread = {
        over: np.nanstd(bootstrap(STATISTICS["spearman"], results, scores, over=over, repeats=200))
        for over in ((), ("tasks",), ("tasks", "models", "seeds"))
    }
    assert spread[()] == pytest.approx(0, abs=1e-12)
    assert 1e-3 < spread["tasks",] < spread["tasks", "models", "seeds"]
    first, again, other = (bootstrap(STATISTICS["spearman"], results, scores, repeats=5, seed=s) for s in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_models_drawn_pair_scores_with_accuracies():
    """A score equal to the accuracies correlates perfectly in every draw."""
    results, _ = simulated(0.03, n_models=9)
    samples = bootstrap(STATISTICS["spearman"], results, results.accuracy, repeats=50)
    np.testing.assert_allclose(samples, 1)


@pytest.mark.parametrize("gaps", [False, True])
def test_many_draws_at_once_equal_one_by_one(gaps):
    results, true = simulated(0.03, n_tasks=3, n_models=7)
    scores = np.round(np.broadcast_to(true, results.accuracy.shape), 2)
    if gaps:
        scores[0, 0, 0] = np.nan
    slow, fast = (
        bootstrap(STATISTICS["spearman"], results, scores, repeats=40, batched=batched)
        for batched in (None, spearman_of_rows)
    )
    np.testing.assert_allclose(fast, slow, rtol=1e-12)
    assert np.isnan(spearman_of_rows(np.ones((1, 4)), np.arange(4.0)[None])).all()


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


@pytest.mark.parametrize(("k", "q"), [(2, 1.960), (3, 2.343), (5, 2.728), (10, 3.164)])
def test_nemenyi_difference_is_the_table_of_demsar(k, q):
    assert nemenyi_difference(k, 14) == pytest.approx(q * math.sqrt(k * (k + 1) / (6 * 14)), rel=1e-3)


@pytest.mark.parametrize("ties", [False, True])
def test_critical_difference_ranks_and_friedman(ties):
    table = np.random.default_rng(7).normal(size=(4, 10)) + np.arange(4)[:, None]
    table = np.round(table) if ties else table
    result = critical_difference({f"s{i}": row for i, row in enumerate(table)})
    assert list(result.ranks) == ["s3", "s2", "s1", "s0"]
    assert sum(result.ranks.values()) == pytest.approx(10)
    assert result.friedman_p == pytest.approx(stats.friedmanchisquare(*table).pvalue)


def test_cliques_hold_exactly_the_neighbours_within_the_critical_difference():
    tasks = np.arange(20.0)
    values = {"a": tasks + 0.3 * (-1) ** tasks, "b": tasks, "c": tasks - 9, "d": tasks - 10}
    for method in ("wilcoxon", "sign_flip"):
        assert critical_difference(values, method=method).cliques == (("a", "b"),)
    nemenyi = critical_difference(values)
    expected = {
        (x, y)
        for x in "abcd"
        for y in "abcd"
        if x < y and abs(nemenyi.ranks[x] - nemenyi.ranks[y]) <= nemenyi.difference
    }
    covered = {(x, y) for clique in nemenyi.cliques for x in clique for y in clique if x < y}
    assert covered == expected
    assert expected


def test_a_chain_of_neighbours_is_not_one_clique():
    """Mean ranks 1.4, 2.0, 2.6 over 20 tasks and a critical difference of 0.74: the ends differ."""
    orders = ["abc"] * 10 + ["acb"] * 4 + ["bac"] * 4 + ["cba"] * 2
    values = {name: np.asarray([-float(order.index(name)) for order in orders]) for name in "abc"}
    result = critical_difference(values)
    assert result.ranks == pytest.approx({"a": 1.4, "b": 2.0, "c": 2.6})
    assert result.cliques == (("a", "b"), ("b", "c"))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: paired_tests({"a": np.zeros(3)}), "at least two scores"),
        (lambda: paired_tests({"a": np.zeros(3), "b": np.zeros(2)}), "same tasks"),
        (lambda: paired_tests({"a": np.zeros(3), "b": np.zeros(3)}, test="t"), "test 't'"),
        (lambda: paired_tests({"a": np.zeros(3), "b": np.zeros(3)}, against="c"), "score 'c'"),
        (lambda: critical_difference({"a": np.zeros(3), "b": np.zeros(3)}, method="x"), "method 'x'"),
        (lambda: interval(np.zeros(3), 2.0), "level"),
        (lambda: Results(("a", "a"), ("t",), np.full((1, 1, 2), 0.5), "b"), "twice.*reference"),
        (lambda: Results(("a",), ("t",), np.full((1, 1, 1), 50.0), "a"), "fractions"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InputError, match=message):
        call()
