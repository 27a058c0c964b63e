"""Same architecture and across architectures: Kendall's tau over some of the pairs."""

import numpy as np
import pytest
from scipy import stats

from lin_ft.benchmark import Judge, Results, by_architecture, pairs_in_order, spearman, within_groups
from lin_ft.benchmark.architectures import ACROSS, SAME, count_pairs

RNG = np.random.default_rng(0)
GROUPS = ("one", "one", "one", "two", "two", "three")
RESULTS = Results(tuple("abcdef"), ("s", "t", "u"), RNG.random((2, 3, 6)), "b", GROUPS)


def test_over_all_pairs_it_is_kendalls_tau():
    s, a = RNG.normal(size=(2, 9))
    assert pairs_in_order(s, a, np.ones((9, 9), bool)) == pytest.approx(stats.kendalltau(s, a).statistic)


def test_the_two_kinds_add_up():
    s, a = RNG.random((2, 6))
    same, across = (by_architecture(RESULTS)[kind](s, a, 0.0) for kind in (SAME, ACROSS))
    counts = count_pairs(RESULTS)
    assert counts == {SAME: 4, ACROSS: 11}
    assert (4 * same + 11 * across) / 15 == pytest.approx(stats.kendalltau(s, a).statistic)


def test_a_score_that_only_knows_the_architecture_ranks_across_alone():
    accuracy = RESULTS.accuracy / 10 + 0.3 * np.asarray([0, 0, 0, 1, 1, 2])
    results = Results(RESULTS.models, RESULTS.tasks, accuracy, "b", GROUPS)
    size = np.broadcast_to(np.asarray([0.0, 0, 0, 1, 1, 2]), accuracy.shape).copy()
    judge = Judge(results, {"size": size, "truth": accuracy})
    assert judge.of_task(ACROSS, "size").tolist() == [1, 1, 1]
    assert np.isnan(judge.of_task(SAME, "size")).all()


def test_ties_and_gaps():
    pairs = np.ones((4, 4), bool)
    a = np.asarray([0.1, 0.2, 0.2, np.nan])
    assert pairs_in_order(np.asarray([1.0, 2, 3, 4]), a, pairs) == 1  # the tied pair of accuracies is no pair
    assert pairs_in_order(np.asarray([1.0, 2, 1, 4]), a, pairs) == 0.5  # a pair that the score ties is no order
    assert pairs_in_order(np.asarray([1.0, np.nan, 3, 4]), a, pairs) == 0.5
    assert np.isnan(pairs_in_order(np.ones(4), a, pairs))


def test_one_architecture_has_no_pairs_across():
    results = Results(RESULTS.models, RESULTS.tasks, RESULTS.accuracy, "b")
    assert list(by_architecture(results)) == [SAME]


def test_within_groups_sees_no_difference_between_groups():
    groups = ("one", "one", "one", "two", "two", "two")
    shifted = RESULTS.accuracy.copy()
    shifted[:, :, 3:] += 1
    results = Results(RESULTS.models, RESULTS.tasks, RESULTS.accuracy, "b", groups)
    inside = within_groups(spearman, results, shifted)
    assert list(inside) == ["one", "two"]
    np.testing.assert_allclose(np.stack(list(inside.values())), 1)
