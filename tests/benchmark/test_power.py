"""The smallest difference that can be shown is what simulated experiments find in 80 % of the cases."""

import math

import numpy as np
import pytest
from scipy import stats

from lin_ft.benchmark import critical_difference, resolution, smallest_difference
from lin_ft.benchmark.comparison import sign_flip_test
from lin_ft.errors import InputError


@pytest.mark.parametrize("n_tasks", [5, 14, 40])
def test_a_paired_test_finds_it_in_eighty_percent(n_tasks):
    rng = np.random.default_rng(n_tasks)
    d = rng.normal(smallest_difference(0.3, n_tasks), 0.3, (4000, n_tasks))
    found = stats.ttest_1samp(d, 0, axis=1).pvalue < 0.05
    assert found.mean() == pytest.approx(0.8, abs=0.025)


def test_so_does_the_sign_flip_test_of_the_report():
    rng = np.random.default_rng(0)
    d = rng.normal(smallest_difference(0.2, 14), 0.2, (200, 14))
    assert np.mean([sign_flip_test(row) < 0.05 for row in d]) == pytest.approx(0.8, abs=0.09)


def test_more_tasks_more_power_and_the_normal_limit():
    assert smallest_difference(1.0, 5) > smallest_difference(1.0, 14) > smallest_difference(1.0, 28)
    limit = (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) / math.sqrt(4000)
    assert smallest_difference(1.0, 4000) == pytest.approx(limit, rel=1e-3)
    assert smallest_difference(1.0, 14, power=0.9) > smallest_difference(1.0, 14)


def test_resolution_is_of_the_median_pair():
    rng = np.random.default_rng(2)
    base = rng.normal(0, 1, 10)
    values = {"a": base, "b": base + 0.1 * rng.normal(size=10), "c": rng.normal(0, 1, 10)}
    spreads = sorted((values[x] - values[y]).std(ddof=1) for x, y in (("a", "b"), ("a", "c"), ("b", "c")))
    found = resolution(values)
    assert found.spread == pytest.approx(spreads[1])
    assert found.difference == pytest.approx(smallest_difference(spreads[1], 10))
    assert found.closest < found.difference
    assert found.with_tasks(20) < found.difference
    assert resolution(values, ["a", "b"]).spread == pytest.approx(spreads[0])
    gappy = {name: np.append(row, np.nan) for name, row in values.items()}
    assert resolution(gappy) == found


def test_one_group_holds_what_is_within_it_of_the_best():
    rng = np.random.default_rng(3)
    base = rng.normal(0, 1, 12)
    values = {f"s{i}": base + 0.1 * rng.normal(size=12) - gap for i, gap in enumerate((0, 0.01, 0.5, 2))}
    result = critical_difference(values)
    assert list(result.means) == sorted(result.means, key=lambda name: -result.means[name])
    assert result.group == tuple(
        n for n, v in result.means.items() if result.means[result.best] - v <= result.difference
    )
    assert set(result.group) == {"s0", "s1"}
    table = np.asarray(list(values.values()))
    assert result.friedman_p == pytest.approx(stats.friedmanchisquare(*table).pvalue)


def test_what_is_not_compared_sets_neither_the_best_nor_the_bound():
    rng = np.random.default_rng(4)
    base = rng.normal(0, 1, 12)
    scores = {f"s{i}": base + 0.1 * rng.normal(size=12) - 0.3 * i for i in range(3)}
    beside = scores | {"fine-tuned": base + 9, "constant": np.zeros(12), "undefined": np.full(12, np.nan)}
    result = critical_difference(beside, compared=list(scores))
    assert result.best == "s0"
    assert result.difference == critical_difference(scores).difference
    assert "fine-tuned" not in result.group
    assert list(result.means)[-1] == "undefined"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: smallest_difference(1.0, 1), "1 tasks"),
        (lambda: smallest_difference(1.0, 9, power=1.0), "power 1.0"),
        (lambda: resolution({"a": np.zeros(3)}), "two scores"),
        (lambda: resolution({"a": np.zeros(2), "b": np.ones(2)}), "three tasks"),
        (lambda: critical_difference({"a": np.zeros(3)}), "at least two scores"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InputError, match=message):
        call()
