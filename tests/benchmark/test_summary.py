"""Static rankings, and the table that holds everything."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import rankdata

from lin_ft.benchmark import (
    STATISTICS,
    Judge,
    Results,
    always,
    at_random,
    caption,
    critical_difference,
    fixed,
    leave_one_task_out,
    markdown_table,
    static_rankings,
    summarise,
)
from lin_ft.benchmark.static import BASELINES, FINE_TUNED, fine_tuned, is_blind
from lin_ft.benchmark.summary import as_dict, number, shown
from lin_ft.errors import InputError
from lin_ft.report.critical_difference_plot import plot_critical_difference

RNG = np.random.default_rng(0)
RESULTS = Results(
    tuple("abcdef"), ("s", "t", "u"), RNG.random((2, 3, 6)), "b", ("one", "one", "one", "two", "two", "two")
)


def test_leave_one_task_out_is_the_mean_rank_elsewhere_and_blind_to_its_own_task():
    static = leave_one_task_out(RESULTS)
    others = [rankdata(RESULTS.accuracy[s, t]) for s in range(2) for t in (0, 2)]
    np.testing.assert_allclose(static[0, 1] * 5 + 1, np.mean(others, axis=0))
    changed = RESULTS.accuracy.copy()
    changed[:, 1] = changed[:, 1, ::-1]
    again = leave_one_task_out(Results(RESULTS.models, RESULTS.tasks, changed, "b"))
    np.testing.assert_array_equal(again[:, 1], static[:, 1])
    assert (again[:, 0] != static[:, 0]).any()


def test_leave_one_task_out_with_gaps():
    accuracy = RESULTS.accuracy.copy()
    accuracy[:, :, 5] = np.nan
    accuracy[:, 0, 5] = 0.9
    static = leave_one_task_out(Results(RESULTS.models, RESULTS.tasks, accuracy, "b"))
    assert np.isnan(static[:, 0, 5]).all()
    np.testing.assert_allclose(
        static[:, 1, 5], rankdata(accuracy[0, 0])[5] / 10 + rankdata(accuracy[1, 0])[5] / 10 - 0.2
    )


def test_summary_holds_every_score_and_statistic_and_the_table_is_sorted():
    """Both draws alike, so the mean of the others is the draw's own accuracy."""
    results = Results(RESULTS.models, RESULTS.tasks, np.stack([RESULTS.accuracy[0]] * 2), "b")
    scores = {
        "oracle": results.accuracy,
        "inverse": -results.accuracy,
        "random": at_random(results),
        "reference": always(results, ("b",)),
        "static": leave_one_task_out(results),
    }
    rows = summarise(Judge(results, scores), repeats=20)
    assert len(rows) == len(scores) * len(STATISTICS)
    values = as_dict(rows)
    assert values["oracle"]["spearman"]["mean"] == 1
    assert values["oracle"]["spearman"]["one_draw"] == [1, 1, 1]
    assert values["oracle"]["regret_1"]["mean"] == 0
    assert values["oracle"]["trials_best"]["mean"] == 1
    assert values["inverse"]["trials_best"]["mean"] == 6
    assert values["random"]["spearman"]["mean"] is None
    assert values["random"]["trials_best"]["mean"] == pytest.approx(3.5)
    assert values["reference"]["gain_1"]["mean"] == 0
    lines = markdown_table(rows, ("spearman", "gain_3"))
    assert lines[0] == "| score | Spearman | one draw | gain of three | one draw |"
    assert lines[2].startswith("| oracle | 1.00 [1.00, 1.00] | 1.00 |")
    assert lines[-1].split("|")[1].strip() == "random"
    by_regret = markdown_table(rows, ("regret_1",), order_by="regret_1", bold=("oracle",))
    assert by_regret[2].startswith("| **oracle** | 0.0 [0.0, 0.0] | 0.0 |")
    assert by_regret[-1].startswith("| inverse")


def test_head_and_left_out_are_columns_where_a_score_has_them():
    scores = {"predicted_loss/random-shot": RESULTS.accuracy, "logme": -RESULTS.accuracy}
    lines = markdown_table(summarise(Judge(RESULTS, scores), ("spearman",)), ("spearman",))
    assert lines[0] == "| score | head | left out | Spearman | one draw |"
    assert lines[2].startswith("| predicted_loss | random | shot |")
    assert lines[3].startswith("| logme |  |  |")


def test_the_caption_says_when_fine_tunings_are_missing():
    accuracy = np.stack([RESULTS.accuracy[0]] * 3)
    accuracy[2, 0, 0] = np.nan
    judge = Judge(dataclasses.replace(RESULTS, accuracy=accuracy), {"logme": accuracy})
    assert f"3 draws of the sample ({accuracy.size - 1} of {accuracy.size} fine-tunings are there)." in caption(judge)


def test_one_draw_has_no_second_column_and_the_caption_says_so():
    one = Results(RESULTS.models, RESULTS.tasks, RESULTS.accuracy[:1], "b")
    judge = Judge(one, {"logme": one.accuracy})
    assert markdown_table(summarise(judge, ("spearman",)), ("spearman",))[0] == "| score | Spearman |"
    assert "One draw" in caption(judge)
    assert "held against the other draw" in caption(Judge(RESULTS, {"logme": RESULTS.accuracy}))
    several = Results(RESULTS.models, RESULTS.tasks, np.concatenate([RESULTS.accuracy] * 2), "b")
    scored = np.where(np.arange(4)[:, None, None] < 2, several.accuracy, np.nan)
    text = caption(Judge(several, {"logme": scored}))
    assert "4 draws" in text
    assert "Each score of 2 of them is held against the mean of the 3 other draws" in text
    assert "95 % bootstrap intervals over tasks" in text


def test_the_rows_of_every_table():
    facts = {"n_params": np.arange(6.0), "source_test_accuracy": np.ones(6)}
    rows = static_rankings(RESULTS, facts) | fine_tuned(RESULTS)
    assert set(BASELINES) - {"nearest_neighbours", "linear_probe"} <= rows.keys()
    assert [name for name in rows if not is_blind(name)] == [FINE_TUNED]
    assert rows["most parameters (static)"][1, 2].tolist() == list(range(6))


def test_numbers_in_their_units():
    assert shown((0.0123, 0.001, 0.02), "regret_1") == "1.2 [0.1, 2.0]"
    assert shown((0.5, np.nan, np.nan)) == "0.50"
    assert shown((np.nan, np.nan, np.nan)) == "–"
    assert number(-0.001) == "0.00"
    assert number(4.25, "trials_best") == "4.2"


@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_critical_difference_plot(tmp_path, suffix):
    values = {f"score {i}": RNG.random(9) + i / 4 for i in range(7)} | {"undefined": np.full(9, np.nan)}
    path = tmp_path / f"cd.{suffix}"
    plot_critical_difference(critical_difference(values), path, label="Spearman", title="seven scores")
    assert path.stat().st_size > 2000
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_public_names_are_no_modules():
    """A sub-module of the same name would hide a function as soon as it is imported."""
    import inspect

    import lin_ft.benchmark

    assert not [name for name in lin_ft.benchmark.__all__ if inspect.ismodule(getattr(lin_ft.benchmark, name))]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Judge(RESULTS, {"s": np.zeros((1, 1, 1))}), r"s \(1, 1, 1\)"),
        (lambda: summarise(Judge(RESULTS, {"s": RESULTS.accuracy}), ("rho",)), "rho"),
        (lambda: always(RESULTS, ("z",)), "z"),
        (lambda: fixed(RESULTS, (1.0,)), "1 values for 6"),
        (lambda: leave_one_task_out(RESULTS.take(("s",))), "two tasks"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InputError, match=message):
        call()
