"""Static rankings, correlations within groups, and the table that holds everything."""

import numpy as np
import pytest
from scipy.stats import rankdata

from lin_ft.benchmark import (
    STATISTICS,
    Results,
    always,
    at_random,
    critical_difference,
    fixed,
    leave_one_task_out,
    markdown_table,
    spearman,
    summarise,
    within_groups,
)
from lin_ft.benchmark.summary import as_dict
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


def test_within_groups_sees_no_difference_between_groups():
    shifted = RESULTS.accuracy.copy()
    shifted[:, :, 3:] += 1
    inside = within_groups(spearman, RESULTS, shifted)
    assert list(inside) == ["one", "two"]
    np.testing.assert_allclose(np.stack(list(inside.values())), 1)


def test_summary_holds_every_score_and_statistic_and_the_table_is_sorted():
    scores = {
        "oracle": RESULTS.accuracy,
        "inverse": -RESULTS.accuracy,
        "random": at_random(RESULTS),
        "reference": always(RESULTS, ("b",)),
        "static": leave_one_task_out(RESULTS),
    }
    rows = summarise(RESULTS, scores, repeats=20)
    assert len(rows) == len(scores) * (len(STATISTICS) + 1)
    values = as_dict(rows)
    assert values["oracle"]["spearman"]["mean"] == 1
    assert values["oracle"]["regret_1"]["mean"] == 0
    assert values["oracle"]["trials_best"]["mean"] == 1
    assert values["oracle"]["within"]["mean"] == 1
    assert values["inverse"]["trials_best"]["mean"] == 6
    assert values["random"]["spearman"]["mean"] is None
    assert values["random"]["trials_best"]["mean"] == pytest.approx(3.5)
    assert values["reference"]["gain_1"]["mean"] == 0
    lines = markdown_table(rows, ("spearman", "gain_3"))
    assert lines[2].startswith("| oracle | 1.00 [1.00, 1.00] |")
    assert lines[-1].split("|")[1].strip() == "random"
    by_regret = markdown_table(rows, ("regret_1",), order_by="regret_1")
    assert by_regret[2].startswith("| oracle")
    assert by_regret[-1].startswith("| inverse")


@pytest.mark.parametrize("suffix", ["png", "pdf"])
def test_critical_difference_plot(tmp_path, suffix):
    values = {f"score {i}": RNG.random(9) + i for i in range(7)}
    path = tmp_path / f"cd.{suffix}"
    plot_critical_difference(critical_difference(values), path, "seven scores")
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
        (lambda: summarise(RESULTS, {"s": np.zeros((1, 1, 1))}), r"s \(1, 1, 1\)"),
        (lambda: summarise(RESULTS, {"s": RESULTS.accuracy}, ("rho",)), "rho"),
        (lambda: always(RESULTS, ("z",)), "z"),
        (lambda: fixed(RESULTS, (1.0,)), "1 values for 6"),
        (lambda: leave_one_task_out(RESULTS.take(("s",))), "two tasks"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(InputError, match=message):
        call()
