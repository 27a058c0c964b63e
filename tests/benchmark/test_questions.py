"""Every question of the report is answered from numbers that are known beforehand."""

import numpy as np
import pytest

from lin_ft.benchmark import Results, at_random
from lin_ft.benchmark.questions import answers, linearized_against_real, over_tasks, single_against_multi_domain

RNG = np.random.default_rng(0)
MODELS, TASKS = tuple("abcde"), tuple("stuvwx")
TRUTH = RNG.random((6, 5)) * 0.4 + 0.3
RESULTS = Results(MODELS, TASKS, np.stack([TRUTH, TRUTH]), "a")


def answered(scores, results=RESULTS, development=("s", "t", "u")):
    return {row.question.split()[0]: row for row in answers(results, scores, development)}


def test_a_perfect_label_gradient_is_said_to_be_highest_and_an_inverse_one_is_not():
    noise = {"logme": RNG.random(RESULTS.accuracy.shape)}
    row = answered({"label_gradient/random": RESULTS.accuracy, **noise})["Is"]
    assert row.sentence.startswith("Yes: its best form, label_gradient/random, has Spearman 1.00 [1.00, 1.00], place 1")
    row = answered({"label_gradient/random": -RESULTS.accuracy, "logme": RESULTS.accuracy})["Is"]
    assert row.sentence.startswith("No")
    assert row.numbers["difference"] == (-2, -2, -2)
    row = answered({"label_gradient/random": RESULTS.accuracy, "logme": RESULTS.accuracy})["Is"]
    assert row.sentence.startswith("Undecided")


def test_the_gain_of_the_zoo_is_measured_on_the_seed_that_did_not_choose():
    gain = (TRUTH.max(axis=1) - TRUTH[:, 0]).mean()
    scores = {"predicted_accuracy/zero": RESULTS.accuracy}
    numbers = answered(scores)["Does"].numbers
    assert numbers == answered(scores)["Does"].numbers
    (row, *_) = answers(RESULTS, scores)
    assert row.numbers["best"][0] == pytest.approx(gain)
    assert row.numbers["best of the other seeds"][0] == pytest.approx(gain)
    assert row.numbers["predicted_accuracy/zero, 1 tried"][0] == pytest.approx(gain)
    assert row.numbers["tasks won"] == int((TRUTH.argmax(axis=1) != 0).sum())
    seeds = np.stack([TRUTH, TRUTH[:, ::-1]])  # the seeds disagree: luck alone
    (row, *_) = answers(Results(MODELS, TASKS, seeds, "a"), scores)
    other = np.mean([seeds[s, t, seeds[1 - s, t].argmax()] - seeds[s, t, 0] for s in range(2) for t in range(6)])
    assert row.numbers["best of the other seeds"][0] == pytest.approx(other)
    assert row.numbers["best of the other seeds"][0] < row.numbers["best"][0]


def test_selections_and_predicted_gain():
    shifted = {"predicted_accuracy/zero": RESULTS.accuracy - 0.1, "random": at_random(RESULTS)}
    rows = answered(shifted)
    assert rows["How"].question  # two questions begin with How: both are there
    questions = {row.question: row for row in answers(RESULTS, shifted)}
    trials = questions["How many selections reach the best model?"].numbers
    assert trials["predicted_accuracy/zero"][0] == 1
    assert trials["random order"][0] == pytest.approx(3)
    close = questions["How close is the predicted gain to the measured one?"].numbers
    assert close["predicted_accuracy/zero"]["error"][0] == pytest.approx(0, abs=1e-12), "a common offset is no gain"
    assert close["predicted_accuracy/zero"]["slope"] == pytest.approx(1)
    assert close["predicting no gain"][0] == pytest.approx(np.abs(TRUTH[:, 1:] - TRUTH[:, :1]).mean())


def test_the_variant_is_chosen_on_the_development_tasks_alone():
    good_there, good_here = RESULTS.accuracy.copy(), RESULTS.accuracy.copy()
    good_there[:, 3:] *= -1
    good_here[:, :3] *= -1
    row = answered({"there": good_there, "here": good_here, "label_gradient": good_here})["Does"]
    rows = [row for row in answers(RESULTS, {"there": good_there, "here": good_here}, ("s", "t", "u"))]
    numbers = rows[-1].numbers
    assert numbers["chosen"] == "there"
    assert numbers["development"] == (1, 1, 1)
    assert numbers["kept"] == (-1, -1, -1)
    assert row.numbers["difference to label_gradient"] == (-2, -2, -2)
    assert len(answers(RESULTS, {"there": good_there}, ())) == len(rows) - 1


def test_linearized_against_real_by_rate_and_model():
    worse = Results(MODELS, TASKS, RESULTS.accuracy - 0.05 * np.asarray([0, 1, 2, 1, 1]), "a")
    row = linearized_against_real({0.01: RESULTS, 0.1: RESULTS}, {0.01: worse, 0.5: worse})
    assert row is not None
    assert list(row.numbers) == ["0.01"]
    assert row.numbers["0.01"]["difference"][0] == pytest.approx(-0.05)
    assert row.numbers["0.01"]["models"]["c"] == pytest.approx(-0.1)
    assert "Least for c (-10.0), most for a (+0.0)" in row.sentence
    assert linearized_against_real({0.01: RESULTS}, {}) is None


def test_linearized_against_real_on_what_both_have():
    part = Results(("b", "d", "a"), TASKS[::-1][:2], RESULTS.accuracy[:1, ::-1][:, :2][:, :, [1, 3, 0]] - 0.02, "a")
    row = linearized_against_real({0.01: RESULTS}, {0.01: part})
    assert row is not None
    assert "3 models, 2 tasks, 1 seed(s)" in row.sentence
    assert row.numbers["0.01"]["difference"] == pytest.approx((-0.02, -0.02, -0.02))
    assert row.numbers["0.01"]["models"] == pytest.approx({"a": -0.02, "b": -0.02, "d": -0.02})
    assert row.numbers["0.01"]["spearman"] == pytest.approx((1, 1, 1))


def test_slices_are_held_against_the_single_model_of_their_source():
    families = dict(zip(MODELS, ("single", "single", "multi_bn", "multi_bn", "shared"), strict=True))
    sources = dict(zip(MODELS, ("x", "y", "x", "y", "z"), strict=True))
    row = single_against_multi_domain(RESULTS, families, sources)
    assert row is not None
    assert list(row.numbers) == ["multi_bn"]
    assert row.numbers["multi_bn"]["mean"][0] == pytest.approx((TRUTH[:, 2:4] - TRUTH[:, :2]).mean())
    assert single_against_multi_domain(RESULTS, dict.fromkeys(MODELS, "single"), sources) is None


def test_a_matrix_that_is_still_filling_up():
    """One seed has but one task, another task lacks a model: what is known is counted, without a warning."""
    accuracy = np.stack([TRUTH, np.full_like(TRUTH, np.nan)])
    accuracy[1, 0], accuracy[0, 1, 2] = TRUTH[0], np.nan
    part = Results(MODELS, TASKS, accuracy, "a")
    numbers = answers(part, {"predicted_accuracy/zero": accuracy})[0].numbers
    assert numbers["best of the other seeds"][0] == pytest.approx(TRUTH[0].max() - TRUTH[0, 0])
    assert numbers["best"][0] == pytest.approx(np.mean([np.nanmax(row) - row[0] for row in accuracy[0]]))
    assert numbers["tasks won"] == int(TRUTH[0].argmax() != 0)
    families, sources = (
        {m: "shared" if m in "ce" else "single" for m in MODELS},
        dict(zip("abcde", "xyxzz", strict=True)),
    )
    row = single_against_multi_domain(part, families, sources)
    assert row is not None
    both = TRUTH[[0, 2, 3, 4, 5]]
    assert row.numbers["shared"]["best"][0] == pytest.approx(np.mean([max(r[2], r[4]) - max(r[0], r[3]) for r in both]))


def test_intervals_are_over_tasks():
    middle, low, high = over_tasks(np.asarray([[0.0, 1.0, np.nan, 0.5]]))
    assert (middle, low, high) == (0.5, 0.0, 1.0)
    assert over_tasks(np.full((1, 2), 0.25)) == (0.25, 0.25, 0.25)
