"""A learned ranking uses what helps on other tasks, and never the accuracies of the task it ranks."""

import dataclasses

import numpy as np
import pytest

from lin_ft.benchmark import Results, leave_one_task_out, spearman
from lin_ft.errors import InputError
from lin_ft.selectors import learned_ranking, rank_features

RNG = np.random.default_rng(0)
S, T, M = 2, 6, 20
QUALITY = RNG.normal(size=M)
FIT = RNG.normal(size=(S, T, M))
ACCURACY = 1 / (1 + np.exp(-QUALITY - 1.5 * FIT))
RESULTS = Results(tuple(f"m{i}" for i in range(M)), tuple(f"t{i}" for i in range(T)), ACCURACY, "m0")
SCORES = {"useful": FIT + 0.3 * RNG.normal(size=FIT.shape), "noise": RNG.normal(size=FIT.shape)}


def correlation(values):
    return np.mean([spearman(values[s, t], ACCURACY[s, t]) for s in range(S) for t in range(T)])


@pytest.mark.parametrize("estimator", ["ridge", "forest"])
def test_it_beats_the_static_ranking_and_the_score_it_learns_from(estimator):
    predicted = learned_ranking(RESULTS, rank_features(SCORES), estimator=estimator)
    alone = max(correlation(SCORES["useful"]), correlation(leave_one_task_out(RESULTS)))
    assert correlation(predicted) > alone + 0.03


def test_the_accuracies_of_a_task_do_not_touch_its_ranking():
    changed = ACCURACY.copy()
    changed[:, 2] = changed[:, 2, ::-1]
    features = rank_features(SCORES)
    before, after = (learned_ranking(dataclasses.replace(RESULTS, accuracy=a), features) for a in (ACCURACY, changed))
    np.testing.assert_array_equal(before[:, 2], after[:, 2])
    assert (before[:, 1] != after[:, 1]).any()


def test_without_features_it_is_the_static_ranking():
    predicted, static = learned_ranking(RESULTS), leave_one_task_out(RESULTS)
    assert all(spearman(predicted[0, t], static[0, t]) == pytest.approx(1) for t in range(T))


def test_a_monotone_change_of_a_score_changes_nothing():
    changed = {**SCORES, "useful": np.exp(3 * SCORES["useful"]) - 5}
    np.testing.assert_array_equal(rank_features(changed), rank_features(SCORES))


def test_missing_accuracies_and_scores():
    accuracy = ACCURACY.copy()
    accuracy[:, 0, 3] = np.nan
    scores = {"useful": SCORES["useful"].copy()}
    scores["useful"][:, :, 5] = np.nan
    predicted = learned_ranking(dataclasses.replace(RESULTS, accuracy=accuracy), rank_features(scores))
    assert np.isfinite(predicted).all()
    assert (rank_features(scores)[:, :, 5] == 0).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: learned_ranking(RESULTS.take(("t0", "t1"))), "at least 3 tasks"),
        (lambda: learned_ranking(RESULTS, np.zeros((1, 1, 1, 2))), "features"),
        (lambda: learned_ranking(RESULTS, estimator="oracle"), "estimator 'oracle'"),
        (lambda: rank_features(SCORES, ("luck",)), "luck"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InputError, match=message):
        call()
