"""The ranking: what it looks at, its order, its gains, and its written forms."""

import dataclasses
import json

import numpy as np
import pytest
from tiny import light_task, random_model

from lin_ft.data import Task
from lin_ft.errors import InputError
from lin_ft.finetune import FinetuneResult
from lin_ft.predict import decompose, leave_one_out_by_refit
from lin_ft.ranking import SCORES, RankConfig, View, describe, rank, ranking_from_dict
from lin_ft.report import plot_ranking

CONFIG = RankConfig(reference="first", probes=1, score="predicted_decrease")


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    return [random_model(folder, name, seed) for seed, name in enumerate(("first", "second"))]


@pytest.fixture(scope="module")
def task() -> Task:
    return light_task()


@pytest.fixture(scope="module")
def ranking(zoo, task):
    return rank(zoo, task, CONFIG)


def test_scores_see_the_training_images_only(zoo, task, ranking):
    blank = dataclasses.replace(task.test, images=np.zeros_like(task.test.images), labels=task.test.labels[::-1])
    other = rank(zoo, dataclasses.replace(task, test=blank, validation=blank), CONFIG)
    for one, two in zip(ranking.models, other.models, strict=True):
        assert dataclasses.replace(one, seconds=0.0) == dataclasses.replace(two, seconds=0.0)


def test_the_same_seed_gives_the_same_ranking(zoo, task, ranking):
    again = rank(zoo, task, CONFIG)
    assert [row.predicted_accuracy for row in again.models] == [row.predicted_accuracy for row in ranking.models]
    assert [row.predicted_loss for row in again.models] == [row.predicted_loss for row in ranking.models]


def test_the_default_is_the_decrease_of_the_loss_that_the_suite_computes(zoo, task):
    rows = rank(zoo, task, dataclasses.replace(CONFIG, scores=("all",))).models
    for row in rows:
        assert row.predicted_decrease == pytest.approx(row.scores["predicted_decrease"].value, rel=1e-6)
    assert rows[0].predicted_decrease >= rows[1].predicted_decrease


@pytest.mark.parametrize("score", SCORES)
def test_rows_stand_in_the_order_of_the_score(zoo, task, score):
    rows = rank(zoo, task, dataclasses.replace(CONFIG, score=score)).models
    keys = [SCORES[score](row) for row in rows]
    assert keys == sorted(keys, reverse=True)
    assert [row.rank for row in rows] == [1, 2]


def test_a_tie_of_accuracies_is_broken_by_the_loss(ranking):
    row = ranking.models[0]
    better = dataclasses.replace(row, predicted_loss=row.predicted_loss / 2)
    assert SCORES["predicted_accuracy"](better) > SCORES["predicted_accuracy"](row)


def test_gains_are_against_the_reference_and_scores_are_in_range(ranking):
    reference = next(row for row in ranking.models if row.name == "first")
    assert reference.predicted_gain == 0
    for row in ranking.models:
        assert row.predicted_gain == row.predicted_accuracy - reference.predicted_accuracy
        low, high = row.predicted_accuracy_interval
        assert 0 <= low <= row.predicted_accuracy <= high <= 1
        assert row.predicted_accuracy == pytest.approx(np.mean(row.correct))
        assert -1 <= row.label_gradient <= 1
        assert -1 <= row.label_feature_correlation <= 1
        assert 0 <= row.predicted_decrease <= 1


def test_without_the_reference_there_is_no_gain(zoo, task):
    assert all(row.predicted_gain is None for row in rank(zoo[1:], task, CONFIG).models)


def test_with_a_zero_head_the_prediction_is_the_leave_one_out_of_ridge_regression_on_features(zoo, task):
    from lin_ft.functions import features_of
    from lin_ft.scores import encode

    config = dataclasses.replace(CONFIG, head="zero", times=(np.inf,), ridges=(0.1,))
    row = describe(View(zoo[0], task, config))
    apply, params = zoo[0].function
    phi = features_of(apply, params, zoo[0].normalise(task.train.images)).astype(np.float64)
    kernel = phi @ phi.T + 1
    y = encode(task.train.labels, task.n_classes) - 1 / task.n_classes
    residual = leave_one_out_by_refit(kernel, y, ridge=0.1 * decompose(kernel).scale)
    accuracy = np.mean((y - residual).argmax(1) == task.train.labels)
    assert row.predicted_accuracy == pytest.approx(accuracy)
    assert row.predicted_loss == pytest.approx(0.5 * np.mean(np.sum(residual**2, 1)), rel=1e-6)


def test_images_can_be_left_out_one_of_each_class_at_a_time(zoo, task, ranking):
    found = describe(View(zoo[0], task, dataclasses.replace(CONFIG, left_out="shot")))
    single = next(row for row in ranking.models if row.name == zoo[0].name)
    assert found.predicted_loss != single.predicted_loss
    assert found.label_gradient == single.label_gradient
    with pytest.raises(InputError, match="left_out 'batch': unknown; one of image, shot"):
        RankConfig(left_out="batch")


def test_json_holds_what_is_documented(ranking, tmp_path):
    ranking.save_json(tmp_path / "r.json")
    values = json.loads((tmp_path / "r.json").read_text())
    assert set(values) == {"task", "n", "n_classes", "reference", "score", "class_counts", "models", "made_of"}
    documented = {
        "name", "source", "rank", "predicted_accuracy", "predicted_accuracy_interval", "predicted_gain",
        "label_gradient", "label_feature_correlation", "seconds",
    }  # fmt: skip
    assert all(documented <= set(row) for row in values["models"])


def test_the_table_and_the_picture_name_every_model(ranking, tmp_path):
    text = str(ranking)
    assert all(row.name in text for row in ranking.models)
    plot_ranking(ranking, tmp_path / "r.png")
    assert (tmp_path / "r.png").read_bytes().startswith(b"\x89PNG")
    plot_ranking(ranking, tmp_path / "r.svg")
    svg = (tmp_path / "r.svg").read_text()
    assert svg.lstrip().startswith("<?xml")


NAMES = ("imagenet_efficientnet_lite0_of_the_year", "imagenet_efficientnet_lite1[bold]:smile:[/bold]")


def printed(ranking, width):
    from rich.console import Console

    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(ranking.table())
    return [line.rstrip() for line in capture.get().splitlines() if line.strip()]


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_names_are_whole_and_no_markup_and_what_has_no_room_is_named(ranking, width):
    rows = [dataclasses.replace(row, name=name) for row, name in zip(ranking.models, NAMES, strict=True)]
    long = dataclasses.replace(ranking, models=tuple(rows), task="[red]photos[/red]", reference=NAMES[0])
    lines = printed(long, width)
    text = "".join(line[4:] if width < 50 else line for line in lines).replace(" ", "")
    assert max(map(len, lines)) <= width
    assert all(name.replace(" ", "") in text for name in NAMES), lines
    assert "…" not in text
    assert "[red]photos[/red]" in "".join(lines)
    assert ("Too narrow for" in " ".join(lines)) == (width < 120)
    if width >= 80:
        assert all(f"{100 * row.predicted_accuracy:.1f}" in " ".join(lines) for row in rows)


def test_where_there_is_room_nothing_gives_way(ranking):
    text = " ".join(printed(ranking, 80))
    for row in ranking.models:
        for value in (row.label_gradient, row.label_feature_correlation):
            assert f"{value:.3f}" in text
    assert "Too narrow" not in text


def test_a_model_that_cannot_be_ranked_is_named_and_the_others_are_ranked(zoo, task):
    class Broken(type(zoo[0])):
        def normalise(self, images):
            raise InputError("its eyes are shut.")

    broken = Broken(dataclasses.replace(zoo[1].card, name="[broken]"), zoo[1].weights)
    found = rank([broken, zoo[0]], task, CONFIG)
    assert [row.name for row in found.models] == ["first"]
    assert [(each.name, each.reason) for each in found.failed] == [("[broken]", "its eyes are shut")]
    assert "Not ranked: [broken] (its eyes are shut)" in " ".join(printed(found, 100))
    assert found.as_dict()["failed"] == [{"name": "[broken]", "reason": "its eyes are shut"}]
    with pytest.raises(InputError, match=r"model '\[broken\]' could not be ranked: its eyes are shut"):
        rank([broken], task, CONFIG)
    with pytest.raises(InputError, match="first come twice"):
        rank([zoo[0], zoo[0]], task, CONFIG)


def test_pictures_take_names_as_they_are(ranking, tmp_path):
    """An odd dollar sign is an error of matplotlib's formulas, two would be set in italics."""
    rows = [dataclasses.replace(row, name=name) for row, name in zip(ranking.models, ("a$b", "$x^2$"), strict=True)]
    plot_ranking(
        dataclasses.replace(ranking, models=tuple(rows), task="$\\frac{$", reference="a$b"), tmp_path / "r.png"
    )
    assert (tmp_path / "r.png").stat().st_size > 1000


def test_unknown_names_are_one_sentence():
    with pytest.raises(InputError, match="score 'best': unknown; give one of `lin-ft scores list`"):
        RankConfig(score="best")
    with pytest.raises(InputError, match="head 'ridge': no ranking with it"):
        RankConfig(head="ridge")


def test_an_empty_zoo_is_one_sentence(task):
    with pytest.raises(InputError, match="zoo: it is empty"):
        rank([], task, CONFIG)


def test_by_gain_every_number_follows_the_order(zoo, task, tmp_path):
    ranking = rank(zoo, task, dataclasses.replace(CONFIG, score="gain"))
    gains = [row.predicted_gain for row in ranking.models]
    assert gains == sorted(gains, reverse=True)
    accuracies = [row.predicted_accuracy for row in ranking.models]
    assert accuracies == sorted(accuracies, reverse=True)
    chances = [row.p_best for row in ranking.models]
    assert sum(chances) == pytest.approx(1)
    assert chances == sorted(chances, reverse=True)
    reference = next(row for row in ranking.models if row.name == "first")
    assert reference.predicted_gain == 0
    assert f"Fine-tune {ranking.models[0].name} (best with" in ranking.advice
    assert "P(best)" in str(ranking)
    assert "Gradient" not in str(ranking)
    ranking.save_json(tmp_path / "ranking.json")
    again = ranking_from_dict(json.loads((tmp_path / "ranking.json").read_text()))
    assert again.models[0].predicted_gain_interval == ranking.models[0].predicted_gain_interval
    assert (again.advice, again.notes) == (ranking.advice, ranking.notes)
    other = rank(zoo, task, dataclasses.replace(CONFIG, score="gain", reference="absent"))
    assert "absent is not in this zoo" in other.notes[0]
    assert other.reference in ("first", "second")


def test_without_a_score_gains_are_predicted_where_they_are_calibrated():
    assert RankConfig().score == "gain"
    assert RankConfig(head="zero").score == RankConfig(trainable="norm").score == "predicted_decrease"
    assert RankConfig(head="zero", score="gain").score == "gain"


def test_gains_of_other_weights_than_all_say_what_they_were_calibrated_on(zoo, task):
    ranking = rank(zoo, task, dataclasses.replace(CONFIG, score="gain", trainable="norm"))
    assert "calibrated on fine-tuning all weights, not norm" in " ".join(str(ranking).split())


def test_the_curve_belongs_to_the_first_model(zoo, task, tmp_path):
    for score in ("gain", "predicted_decrease"):
        ranking = rank(zoo, task, dataclasses.replace(CONFIG, score=score, curve=True))
        assert [point.n for point in ranking.curve] == [task.n // 4, task.n // 2, task.n, 2 * task.n, 4 * task.n]
        assert ranking.curve[2].accuracy == ranking.models[0].predicted_accuracy
        ranking.save_json(tmp_path / "ranking.json")
        values = json.loads((tmp_path / "ranking.json").read_text())
        assert values["curve"]["model"] == ranking.models[0].name
        assert ranking_from_dict(values).curve == ranking.curve
        assert f"% with {4 * task.n}" in " ".join(str(ranking).split())


def test_one_image_a_class_has_no_curve_and_says_so(zoo, task):
    labels = task.train.labels
    first = np.array([int(np.flatnonzero(labels == label)[0]) for label in np.unique(labels)])
    few = dataclasses.replace(task, train=dataclasses.replace(task.train, images=task.train.images[first],
                                                              labels=labels[first]))  # fmt: skip
    ranking = rank(zoo, few, dataclasses.replace(CONFIG, score="gain", curve=True))
    assert ranking.curve == ()
    assert any("No curve" in note for note in ranking.notes)


def test_a_measured_gain_says_whether_its_interval_held(zoo, task, tmp_path):
    ranking = rank(zoo, task, dataclasses.replace(CONFIG, score="gain"))
    rows = []
    for row in ranking.models:
        other = row.name != ranking.reference
        gain = (row.predicted_gain_interval[1] + 0.01) if other else 0.0
        measured = FinetuneResult(row.name, task.name, 0.1, {}, 0.5, (0.4, 0.6), np.empty(0, bool), (), 0.0)
        rows.append(dataclasses.replace(row, measured=measured, measured_gain=gain))
        assert rows[-1].held is (not other)
    checked = dataclasses.replace(ranking, models=tuple(rows))
    assert "✗" in str(checked)
    assert "✓ ✗: whether" in " ".join(str(checked).split())
    assert "0 of 1 measured gains lie in their 90 % interval" in checked.verdict()
    checked.save_json(tmp_path / "ranking.json")
    values = json.loads((tmp_path / "ranking.json").read_text())
    assert [row["measured_gain_in_interval"] for row in values["models"] if row["name"] != ranking.reference] == [False]
    assert ranking_from_dict(values).models[0].measured_gain == checked.models[0].measured_gain


def test_the_picture_of_gains(zoo, task, tmp_path):
    plot_ranking(rank(zoo, task, dataclasses.replace(CONFIG, score="gain")), tmp_path / "gains.png")
    assert (tmp_path / "gains.png").stat().st_size > 5000
