"""Every question of the report is answered from numbers that are known beforehand."""

import dataclasses

import numpy as np
import pytest
import small_zoo

from lin_ft.benchmark import BenchConfig, Evidence, Judge, Results, at_random, evidence_of, read_parquet
from lin_ft.benchmark.pages import by_question, digest, page, write_pages
from lin_ft.benchmark.questions import (
    answers,
    do_fewer_images_need_a_zoo,
    does_the_order_hold,
    linearized_against_real,
    of_halves,
    what_changed,
)
from lin_ft.benchmark.questions.next_draw import best_again
from lin_ft.benchmark.questions.noise import some
from lin_ft.benchmark.questions.zoo import gains
from lin_ft.benchmark.static import FINE_TUNED, fine_tuned

RNG = np.random.default_rng(0)
MODELS, TASKS = tuple("abcde"), tuple("stuvwx")
TRUTH = RNG.random((6, 5)) * 0.4 + 0.3
RESULTS = Results(MODELS, TASKS, np.stack([TRUTH, TRUTH]), "a")


def evidence(scores, results=RESULTS, development=("s", "t", "u"), **more):
    return Evidence("tiny", Judge(results, {**scores, **fine_tuned(results)}), development=development, **more)


def answered(scores, results=RESULTS, **more):
    return {row.slug: row for row in answers(evidence(scores, results, **more))}


def test_a_perfect_label_gradient_is_said_to_be_first_and_an_inverse_one_is_not():
    noise = {"logme": RNG.random(RESULTS.accuracy.shape)}
    row = answered({"label_gradient_cka": RESULTS.accuracy, **noise})["scores"]
    assert row.numbers["best"] == "label_gradient_cka"
    assert row.numbers["spearman"] == (1, 1, 1)
    assert row.numbers["place"] == 1
    assert row.verdict.endswith("Label-Gradient is first")
    row = answered({"label_gradient_cka": -RESULTS.accuracy, "logme": RESULTS.accuracy})["scores"]
    assert row.verdict.endswith("another score is above Label-Gradient")
    assert row.numbers["difference"] == (-2, -2, -2)
    row = answered({"label_gradient_cka": RESULTS.accuracy, "logme": RESULTS.accuracy})["scores"]
    assert row.verdict.endswith("undecided")


def test_scores_that_cannot_be_told_apart_are_one_group_and_bold():
    alike = RESULTS.accuracy + 1e-6 * RNG.random(RESULTS.accuracy.shape)
    row = answered({"first": RESULTS.accuracy, "second": alike, "worst": -RESULTS.accuracy})["scores"]
    assert {"first", "second"} <= set(row.numbers["group"])
    text = "\n".join(row.lines)
    assert "| **first** |" in text
    assert "| worst |" in text
    assert "95 % bootstrap intervals over tasks" in text


def test_the_gain_of_the_zoo_is_measured_on_the_draw_that_did_not_choose():
    gain = (TRUTH.max(axis=1) - TRUTH[:, 0]).mean()
    numbers = answered({"predicted_accuracy/zero": RESULTS.accuracy})["zoo"].numbers
    assert numbers["best"][0] == pytest.approx(gain)
    assert numbers["best of the other draws"][0] == pytest.approx(gain)
    assert numbers["predicted_accuracy/zero, 1 tried"][0] == pytest.approx(gain)
    assert numbers["tasks won"] == int((TRUTH.argmax(axis=1) != 0).sum())
    draws = np.stack([TRUTH, TRUTH[:, ::-1]])  # the draws disagree: luck alone
    numbers = answered({}, Results(MODELS, TASKS, draws, "a"))["zoo"].numbers
    other = np.mean([draws[s, t, draws[1 - s, t].argmax()] - draws[s, t, 0] for s in range(2) for t in range(6)])
    assert numbers["best of the other draws"][0] == pytest.approx(other)
    assert numbers["best of the other draws"][0] < numbers["best"][0]


def test_the_curve_of_gains_ends_where_the_zoo_does():
    curves = gains(evidence({"logme": RESULTS.accuracy}))
    assert curves["logme"][0] == pytest.approx(100 * (TRUTH.max(axis=1) - TRUTH[:, 0]).mean())
    assert curves[FINE_TUNED].tolist() == curves["logme"].tolist()


def test_selections_and_predicted_gain():
    rows = answered({"predicted_accuracy/zero": RESULTS.accuracy - 0.1, "random": at_random(RESULTS)})
    trials = rows["selections"].numbers
    assert trials["predicted_accuracy/zero"][0] == 1
    assert trials["random"][0] == pytest.approx(3)
    close = rows["gain"].numbers
    assert close["predicted_accuracy/zero"]["error"][0] == pytest.approx(0, abs=1e-12), "a common offset is no gain"
    assert close["predicted_accuracy/zero"]["slope"] == pytest.approx(1)
    assert close["predicting no gain"][0] == pytest.approx(np.abs(TRUTH[:, 1:] - TRUTH[:, :1]).mean())
    assert rows["gain"].verdict == "better than predicting no gain"


def test_the_variant_is_chosen_on_the_development_tasks_alone():
    good_there, good_here = RESULTS.accuracy.copy(), RESULTS.accuracy.copy()
    good_there[:, 2:] *= -1
    good_here[:, :2] *= -1  # on all tasks together the better one
    scores = {"there": good_there, "here": good_here, "label_gradient": good_here}
    numbers = answered(scores, development=("s", "t"))["variant"].numbers
    assert numbers["chosen"] == "there"
    assert numbers["development"] == (1, 1, 1)
    assert numbers["kept"] == (-1, -1, -1)
    assert numbers["difference to label_gradient"] == (-2, -2, -2)
    assert "variant" not in answered(scores, development=())


def test_the_best_of_one_draw_in_the_next():
    accuracy = np.asarray([[[0.1, 0.2, 0.9, 0.4, 0.5]], [[0.1, 0.9, 0.8, 0.7, 0.6]]])
    results = Results(MODELS, ("s",), accuracy, "a")
    assert best_again(results, 1).tolist() == [[0], [0]]
    assert best_again(results, 2).tolist() == [[1], [0]]  # 2nd of the second draw; last but one of the first
    tied = np.asarray([[[0.5, 0.5, 0.1]], [[0.9, 0.2, 0.1]]])
    again = best_again(Results(("a", "b", "c"), ("s",), tied, "a"), 1)
    assert again.tolist() == [[0.5], [0.5]]
    row = answered({}, Results(MODELS, TASKS, np.stack([TRUTH] * 3), "a"))["next_draw"]
    assert row.numbers["best again"] == (1, 1, 1)
    assert row.numbers["lost in the next draw"] == (0, 0, 0)
    assert row.verdict == "more often than not"


def test_the_ruler_says_how_far_draws_agree_and_what_more_would_bring():
    rng = np.random.default_rng(2)
    accuracy = np.clip(TRUTH + rng.normal(0, 0.05, (4, 6, 5)), 0, 1)
    results = Results(MODELS, TASKS, accuracy, "a")
    scores = {name: np.clip(TRUTH + rng.normal(0, s, (4, 6, 5)), 0, 1) for name, s in (("x", 0.1), ("y", 0.2))}
    row = answered(scores, results)["ruler"]
    growth = row.numbers["by draws"]
    assert list(growth) == ["1", "2", "4", "6", "8"]
    reliabilities = [entry["reliability"] for entry in growth.values()]
    assert reliabilities == sorted(reliabilities)
    assert growth["4"]["smallest difference"] == pytest.approx(row.numbers["smallest difference"])
    assert np.isnan(growth["8"]["smallest difference"])
    assert len(some(evidence(scores, results), 2)) == 4
    only_first = {name: np.where(np.arange(4)[:, None, None] == 0, v, np.nan) for name, v in scores.items()}
    assert all(part.judge.draws == (0,) for part in some(evidence(only_first, results), 2))


def test_same_and_different_architectures_are_answered_apart():
    results = dataclasses.replace(RESULTS, groups=("one", "one", "two", "two", "two"))
    size = np.broadcast_to(np.asarray([0.0, 0, 1, 1, 1]), RESULTS.accuracy.shape).copy()
    row = answered({"logme": RESULTS.accuracy, "leep": size + 1e-9 * RESULTS.accuracy}, results)["architectures"]
    assert row.numbers["pairs"] == {"same_architecture": 4, "across_architectures": 6}
    assert row.numbers["same_architecture"]["of the best"] == (1, 1, 1)
    assert row.verdict == "within an architecture: ranks; across architectures: ranks"
    assert "one (2), two (3)" in row.lines[0]


def test_slices_are_held_against_the_single_model_of_their_source():
    families = dict(zip(MODELS, ("single", "single", "multi_bn", "multi_bn", "shared"), strict=True))
    sources = dict(zip(MODELS, ("x", "y", "x", "y", "z"), strict=True))
    row = answered({}, families=families, sources=sources)["domains"]
    assert list(row.numbers) == ["multi_bn"]
    assert row.numbers["multi_bn"]["mean"][0] == pytest.approx((TRUTH[:, 2:4] - TRUTH[:, :2]).mean())
    assert "domains" not in answered({}, families=dict.fromkeys(MODELS, "single"), sources=sources)


def test_linearized_against_real_by_rate_and_model():
    worse = Results(MODELS, TASKS, RESULTS.accuracy - 0.05 * np.asarray([0, 1, 2, 1, 1]), "a")
    row = linearized_against_real({0.01: RESULTS, 0.1: RESULTS}, {0.01: worse, 0.5: worse})
    assert row is not None
    assert list(row.numbers) == ["0.01"]
    assert row.numbers["0.01"]["difference"][0] == pytest.approx(-0.05)
    assert row.numbers["0.01"]["models"]["c"] == pytest.approx(-0.1)
    assert "Least for c (-10.0), most for a (+0.0)" in row.sentence
    assert row.verdict == "worse"
    assert linearized_against_real({0.01: RESULTS}, {}) is None


def test_linearized_against_real_on_what_both_have():
    part = Results(("b", "d", "a"), TASKS[::-1][:2], RESULTS.accuracy[:1, ::-1][:, :2][:, :, [1, 3, 0]] - 0.02, "a")
    row = linearized_against_real({0.01: RESULTS}, {0.01: part})
    assert row is not None
    assert "3 models, 2 tasks, 1 draw:" in row.sentence
    assert row.numbers["0.01"]["difference"] == pytest.approx((-0.02, -0.02, -0.02))
    assert row.numbers["0.01"]["models"] == pytest.approx({"a": -0.02, "b": -0.02, "d": -0.02})
    assert row.numbers["0.01"]["spearman"] == pytest.approx((1, 1, 1))


def test_the_order_of_scores_here_and_there():
    scores = {f"s{i}": RESULTS.accuracy + 0.2 * i * RNG.random(RESULTS.accuracy.shape) for i in range(5)}
    here = evidence(scores)
    row = does_the_order_hold(here, here, slug="again", question="Again?")
    assert row is not None
    assert row.numbers["spearman"] == (1, 1, 1)
    assert row.verdict == "holds"
    turned = evidence({name: -values for name, values in scores.items()})
    row = does_the_order_hold(here, turned, slug="turned", question="Turned?")
    assert row is not None
    assert row.numbers["spearman"][0] == -1
    halves = of_halves(here)
    assert halves is not None
    assert [half.results.tasks for half in halves] == [("s", "t", "u"), ("v", "w", "x")]
    assert of_halves(evidence(scores, development=())) is None


def test_fewer_images():
    few = evidence({}, Results(MODELS, TASKS, np.stack([TRUTH, TRUTH]), "a"), shots=5)
    flat = np.broadcast_to(TRUTH.mean(axis=1, keepdims=True), TRUTH.shape)
    many = evidence({}, Results(MODELS, TASKS, np.stack([flat, flat]), "a"), shots=20)
    row = do_fewer_images_need_a_zoo([many, few])
    assert row is not None
    best = row.numbers["best of the zoo, with hindsight"]
    assert list(best) == ["5", "20"]
    assert best["5"][0] == pytest.approx((TRUTH.max(axis=1) - TRUTH[:, 0]).mean())
    assert best["20"] == pytest.approx((0, 0, 0))
    assert do_fewer_images_need_a_zoo([few]) is None


def test_conclusions_that_read_differently_are_named():
    good, bad = (answers(evidence({"label_gradient": sign * RESULTS.accuracy, "logme": RESULTS.accuracy * -sign}))
                 for sign in (1, -1))  # fmt: skip
    row = what_changed(bad, good, earlier="then", now="now")
    assert row is not None
    assert row.numbers["scores"]["changed"]
    assert not row.numbers["next_draw"]["changed"]
    same = what_changed(good, good, earlier="then", now="now")
    assert same is not None
    assert same.verdict.startswith("0 of")
    assert what_changed([], good, earlier="then", now="now") is None


def test_a_matrix_that_is_still_filling_up():
    """One draw has but one task, another task lacks a model: what is known is counted, without a warning."""
    accuracy = np.stack([TRUTH, np.full_like(TRUTH, np.nan)])
    accuracy[1, 0], accuracy[0, 1, 2] = TRUTH[0], np.nan
    part = Results(MODELS, TASKS, accuracy, "a")
    families = {m: "shared" if m in "ce" else "single" for m in MODELS}
    sources = dict(zip("abcde", "xyxzz", strict=True))
    rows = answered({"predicted_accuracy/zero": accuracy}, part, families=families, sources=sources)
    numbers = rows["zoo"].numbers
    assert numbers["best of the other draws"][0] == pytest.approx(TRUTH[0].max() - TRUTH[0, 0])
    assert numbers["best"][0] == pytest.approx(np.mean([np.nanmax(row) - row[0] for row in accuracy[0]]))
    assert numbers["tasks won"] == int(TRUTH[0].argmax() != 0)
    both = TRUTH[[0, 2, 3, 4, 5]]
    shared = rows["domains"].numbers["shared"]
    assert shared["best"][0] == pytest.approx(np.mean([max(r[2], r[4]) - max(r[0], r[3]) for r in both]))


def test_pages_hold_every_matrix_and_their_pictures(tmp_path):
    scores = {"logme": RESULTS.accuracy, "leep": -RESULTS.accuracy, "random": at_random(RESULTS)}
    found = answers(evidence(scores))
    sections = {"core, 10 images a class": found, "packaged": found[:1]}
    pages = by_question(sections)
    assert [title for title, _ in pages["zoo"]] == ["core, 10 images a class", "packaged"]
    text = page("zoo", pages["zoo"])
    assert text[0] == "# Does a zoo beat the reference model, and by how much?"
    assert "## Core, 10 images a class" in text
    assert "## Packaged" in text
    written = write_pages(sections, tmp_path)
    assert {path.name for path in written} == {path.name for path in tmp_path.iterdir()}
    assert (tmp_path / "zoo_gain_core_10_shots.png").stat().st_size > 4000
    linked = [
        line.split("](")[1].rstrip(")") for line in (tmp_path / "scores.md").read_text().splitlines() if "![" in line
    ]
    assert len(linked) == 2
    assert all((tmp_path / name).exists() for name in linked)
    first = next(iter(digest(sections)))
    assert first.startswith("**[Does a zoo beat the reference model, and by how much?](zoo.md)** With hindsight")


def test_head_and_what_is_left_out_come_from_the_table(tmp_path):
    """A score of the kernel that comes once has a head all the same, though its label names none."""
    table = read_parquet(small_zoo.small_truth(tmp_path / "table.parquet", seeds=(0, 1)))
    config = BenchConfig(name="small", tasks=small_zoo.TASKS, shots=(4,), seeds=(0, 1), reference="second")
    found = evidence_of(table, 4, config)
    assert found.columns("predicted_decrease") == ("predicted_decrease", "random", "")
    assert found.columns("predicted_accuracy (zero, image)") == ("predicted_accuracy", "zero", "image")
    assert found.columns("logme") == ("logme", "", "")
    assert found.columns("random") == ("random", "", "")
