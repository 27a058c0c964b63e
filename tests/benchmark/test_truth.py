"""The truth of a score: the mean over the other draws, gaps filled fairly, never the score's own noise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lin_ft.benchmark import Judge, Results, expected_accuracy, of_other_draws, spearman
from lin_ft.benchmark.static import FINE_TUNED, fine_tuned, leave_one_task_out
from lin_ft.benchmark.truth import of_all_draws
from lin_ft.errors import InputError

RNG = np.random.default_rng(0)


def results_of(accuracy):
    _, n_tasks, n_models = accuracy.shape
    return Results(tuple(f"m{i}" for i in range(n_models)), tuple(f"t{i}" for i in range(n_tasks)), accuracy, "m0")


def noise(n_draws, n_tasks=40, n_models=12, spread=0.02, signal=0.0):
    """Accuracies that are noise, around a true value of each model and task where there is a signal."""
    rng = np.random.default_rng(1)
    true = rng.normal(0.5, signal, (n_tasks, n_models)) if signal else np.full((n_tasks, n_models), 0.5)
    return np.clip(true + rng.normal(0, spread, (n_draws, n_tasks, n_models)), 0, 1), true


@given(st.integers(0, 2**16))
@settings(max_examples=30, deadline=None)
def test_gaps_are_filled_as_the_additive_model_says(seed):
    """Accuracies that are draw + model exactly: any gaps that leave draws linked change nothing."""
    rng = np.random.default_rng(seed)
    whole = rng.uniform(0.1, 0.3, (4, 1)) + rng.uniform(0.1, 0.6, 6)
    gappy = np.where(rng.random(whole.shape) < 0.3, np.nan, whole)
    gappy[:, 0] = whole[:, 0]  # one model in every draw links them
    gappy[0] = whole[0]
    np.testing.assert_allclose(expected_accuracy(gappy), whole.mean(axis=0), atol=1e-12)


def test_without_gaps_it_is_the_mean_and_empty_draws_do_not_count():
    accuracy = RNG.random((3, 5))
    np.testing.assert_array_equal(expected_accuracy(accuracy), accuracy.mean(axis=0))
    padded = np.concatenate([accuracy, np.full((1, 5), np.nan)])
    np.testing.assert_array_equal(expected_accuracy(padded), accuracy.mean(axis=0))
    assert np.isnan(expected_accuracy(np.full((2, 3), np.nan))).all()


def test_a_draw_without_a_model_in_common_is_left_out():
    """The last two models were measured in a draw of their own: nothing says how hard that draw was."""
    accuracy = np.array([[0.1, 0.2, 0.3, np.nan, np.nan], [np.nan, np.nan, np.nan, 0.9, 0.8]])
    np.testing.assert_allclose(expected_accuracy(accuracy), [0.1, 0.2, 0.3, np.nan, np.nan])


def test_a_model_that_lacks_the_harder_draw_is_not_flattered():
    accuracy = np.array([[0.9, 0.8, 0.7], [0.5, 0.4, np.nan]])
    means = expected_accuracy(accuracy)
    assert means[0] > means[1] > means[2]
    assert np.nanmean(accuracy, axis=0)[2] > means[2]


def test_the_truth_of_a_draw_is_made_of_the_others_only():
    results = results_of(RNG.random((4, 2, 5)))
    truth = of_other_draws(results).accuracy
    np.testing.assert_allclose(truth[1], results.accuracy[[0, 2, 3]].mean(axis=0))
    np.testing.assert_allclose(of_all_draws(results), results.accuracy.mean(axis=0))
    changed = results.accuracy.copy()
    changed[1] = 0.5
    np.testing.assert_array_equal(of_other_draws(results_of(changed)).accuracy[1], truth[1])
    assert np.isnan(of_other_draws(results_of(changed[:1])).accuracy).all()


def test_a_fine_tuning_is_never_held_against_itself():
    """Of pure noise a draw predicts nothing; held against a mean that contains it, it would seem to."""
    accuracy, _ = noise(4)
    judge = Judge(results_of(accuracy), fine_tuned(results_of(accuracy)))
    for against in ("mean", "one draw", "another draw"):
        assert judge.of_task("spearman", FINE_TUNED, against).mean() == pytest.approx(0, abs=0.06)
    flattered = np.mean([spearman(row, accuracy.mean(axis=0)[t]) for draw in accuracy for t, row in enumerate(draw)])
    assert flattered > 0.3


def test_the_mean_is_a_finer_truth_than_one_draw():
    accuracy, true = noise(6, spread=0.03, signal=0.03)
    knowing = np.broadcast_to(true, accuracy.shape).copy()
    judge = Judge(results_of(accuracy), {"knowing": knowing})
    against_mean, against_one = (judge.of_task("spearman", "knowing", a).mean() for a in ("mean", "one draw"))
    assert against_mean > against_one + 0.1


def test_scores_of_some_draws_are_judged_on_these_and_so_is_everything_beside_them():
    accuracy = RNG.random((4, 3, 6))
    scores = np.full(accuracy.shape, np.nan)
    scores[[0, 2]] = RNG.random((2, 3, 6))
    results = results_of(accuracy)
    judge = Judge(results, {"score": scores, "static": leave_one_task_out(results), **fine_tuned(results)})
    assert judge.draws == (0, 2)
    assert judge.n_others == 3
    truth = of_other_draws(results).accuracy
    by_hand = [np.mean([spearman(scores[s, t], truth[s, t]) for s in (0, 2)]) for t in range(3)]
    np.testing.assert_allclose(judge.of_task("spearman", "score"), by_hand)
    static = leave_one_task_out(results)
    by_hand = [np.mean([spearman(static[s, t], truth[s, t]) for s in (0, 2)]) for t in range(3)]
    np.testing.assert_allclose(judge.of_task("spearman", "static"), by_hand)
    own = [np.mean([spearman(scores[s, t], accuracy[s, t]) for s in (0, 2)]) for t in range(3)]
    np.testing.assert_allclose(judge.of_task("spearman", "score", "one draw"), own)
    others = [
        np.mean([spearman(scores[s, t], accuracy[r, t]) for s in (0, 2) for r in range(4) if r != s]) for t in range(3)
    ]
    np.testing.assert_allclose(judge.of_task("spearman", "score", "another draw"), others)


def test_a_score_without_any_value_on_a_task_has_no_regret_there():
    """It is not a random choice: nothing was chosen."""
    accuracy = RNG.random((2, 2, 4))
    scores = RNG.random((2, 2, 4))
    scores[:, 1] = np.nan
    regret = Judge(results_of(accuracy), {"score": scores}).of_task("regret_1", "score")
    assert np.isfinite(regret[0])
    assert np.isnan(regret[1])


def test_one_draw_is_all_there_is():
    accuracy = RNG.random((1, 2, 4))
    judge = Judge(results_of(accuracy), {"score": accuracy})
    assert judge.n_others == 0
    assert judge.of_task("spearman", "score").tolist() == [1, 1]
    assert fine_tuned(results_of(accuracy)) == {}
    with pytest.raises(InputError, match="Unknown statistic rho"):
        judge.of_task("rho", "score")
