"""Where classes differ in size, no accuracy stands without the balanced one and the share of the largest class."""

import dataclasses
import json
import re

import numpy as np
import pytest
from PIL import Image
from tiny import images, light_task, random_model

from lin_ft import cli
from lin_ft.data import Task
from lin_ft.finetune import FinetuneConfig, FinetuneResult, finetune
from lin_ft.predict import is_unbalanced
from lin_ft.ranking import RankConfig, Ranking, rank, ranking_from_dict
from lin_ft.report import plot_ranking
from lin_ft.report.html_report import write_report

CONFIG = RankConfig(reference="first", probes=1, head="zero")


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    return [random_model(folder, name, seed) for seed, name in enumerate(("first", "second"))]


def uneven(part, kept):
    """The first `kept` images of class 1, all of class 0."""
    return part.take(np.concatenate([np.flatnonzero(part.labels == 0), np.flatnonzero(part.labels == 1)[:kept]]))


@pytest.fixture(scope="module")
def task() -> Task:
    """10 and 2 test images."""
    task = light_task()
    return dataclasses.replace(task, test=uneven(task.test, 2))


@pytest.fixture(scope="module")
def ranking(zoo, task):
    return rank(zoo, task, CONFIG)


def result(model: str, right: tuple[int, int], counts: tuple[int, int] = (10, 2)) -> FinetuneResult:
    """A measurement with so many right of each class."""
    correct = np.concatenate([np.arange(n) < k for n, k in zip(counts, right, strict=True)])
    balanced = float(np.mean([k / n for n, k in zip(counts, right, strict=True)]))
    return FinetuneResult(
        model, "light", 0.01, {}, float(correct.mean()), (0.1, 0.9), correct, (), 0.0,
        test_class_counts=counts, test_balanced_accuracy=balanced, test_balanced_accuracy_interval=(0.2, 0.8),
    )  # fmt: skip


def measured(ranking: Ranking, *rights: tuple[int, int], counts: tuple[int, int] = (10, 2)) -> Ranking:
    rows = [
        dataclasses.replace(row, measured=result(row.name, right, counts))
        for row, right in zip(ranking.models, rights, strict=True)
    ]
    return dataclasses.replace(ranking, models=tuple(rows))


def test_unbalanced_is_more_than_what_rounding_leaves():
    assert is_unbalanced((10, 2))
    assert is_unbalanced((10, 12, 10))
    assert is_unbalanced((5, 0))
    assert not is_unbalanced((10, 11, 10))
    assert not is_unbalanced(())


def test_fine_tuning_measures_both(zoo, task):
    found = finetune(zoo[0], task, FinetuneConfig(steps=2, batch_size=8, learning_rates=(0.01,)))
    y = np.asarray(task.test.labels)
    assert found.test_class_counts == (10, 2)
    assert found.test_accuracy == found.correct.mean()
    by_class = [found.correct[y == label].mean() for label in (0, 1)]
    assert found.test_balanced_accuracy == pytest.approx(np.mean(by_class))
    low, high = found.test_balanced_accuracy_interval
    assert low <= found.test_balanced_accuracy <= high
    assert found.unbalanced
    assert found.largest_share == 10 / 12


def test_the_text_of_a_result():
    assert result("m", (9, 1)).accuracy_text() == (
        "test accuracy 83.3% [10.0%, 90.0%] on 12 images, of which the largest class is 83.3%;"
        " balanced 70.0% [20.0%, 80.0%]"
    )
    assert result("m", (9, 8), (10, 10)).accuracy_text() == "test accuracy 85.0% [10.0%, 90.0%] on 20 images"


def test_predicted_and_measured_are_held_together_by_the_balanced_accuracy(zoo, task, ranking, monkeypatch):
    """The first gets the large class right alone (83 %), the second 7 and 2 of all (balanced 85 %)."""
    rights = dict(zip((row.name for row in ranking.models), ((10, 0), (7, 2)), strict=True))
    monkeypatch.setattr("lin_ft.ranking.verify.finetune", lambda m, *_, **__: result(m.name, rights[m.name]))
    checked = ranking.verified(zoo, task, 0).verified(zoo, task, 1)
    first, second = checked.models
    assert first.measured.test_accuracy > second.measured.test_accuracy
    reference = next(row for row in checked.models if row.name == "first")
    for row in checked.models:
        assert row.measured_gain == row.measured.test_balanced_accuracy - reference.measured.test_balanced_accuracy
    assert "reaches 50.0% balanced accuracy and" in checked.verdict()
    assert "85.0%: 0 of 1 pairs" in checked.verdict()


def test_the_table_shows_share_and_balanced_accuracy(ranking):
    text = " ".join(str(measured(ranking, (10, 0), (7, 2))).split())
    assert "balanced" in text
    assert "50.0 [20, 80]" in text
    assert "83.3 [10, 90]" in text
    assert "The largest class has 83.3% of the test images" in text


def test_nothing_is_added_where_classes_are_balanced(ranking):
    even = measured(ranking, (10, 9), (7, 9), counts=(10, 10))
    assert even.balance_note == ""
    assert "balanced" not in str(even)
    assert "balanced" not in even.verdict()


def test_the_report_and_the_picture(ranking, task, tmp_path):
    checked = measured(ranking, (10, 0), (7, 2))
    page = write_report(checked, task, tmp_path).read_text()
    assert re.search(r"<th[^>]*>(<button[^>]*>)?balanced %", page)
    assert re.search(r"<td>83.3 \[[^<]*</td><td>50.0 \[", page)
    assert "The largest class has 83.3% of the test images" in page
    plot_ranking(checked, tmp_path / "r.svg")
    assert "fine-tuned, test, balanced" in (tmp_path / "r.svg").read_text()


def test_json_keeps_it(ranking):
    checked = measured(ranking, (10, 0), (7, 2))
    values = json.loads(json.dumps(checked.as_dict()))
    assert values["models"][0]["measured_accuracy"] == pytest.approx(10 / 12)
    assert values["models"][0]["measured_balanced_accuracy"] == 0.5
    assert values["models"][0]["test_class_counts"] == [10, 2]
    again = ranking_from_dict(values)
    assert again.balance_note == checked.balance_note
    assert again.models[0].measured.comparable == checked.models[0].measured.comparable
    for row in values["models"]:  # as written before there were these
        for name in ("measured_balanced_accuracy", "measured_balanced_accuracy_interval", "test_class_counts"):
            del row[name]
    del values["class_counts"]
    assert ranking_from_dict(values).balance_note == ""


def test_predictions_from_unbalanced_training_images_are_balanced(zoo, task):
    train = uneven(task.train, 2)
    train.images[-1] = train.images[0]  # one of the small class looks like the large one
    found = rank(zoo, dataclasses.replace(task, train=train), CONFIG)
    for row in found.models:
        correct = np.asarray(row.correct)
        by_class = [correct[train.labels == label].mean() for label in (0, 1)]
        assert row.predicted_accuracy == pytest.approx(np.mean(by_class))
        assert row.predicted_accuracy < correct.mean()
    assert found.class_counts == (6, 2)
    assert (
        "Predicted accuracies are balanced: the largest class has 75.0% of the training images." in found.balance_note
    )


def test_the_command_prints_them(zoo, tmp_path, capsys):
    for start, (split, counts) in enumerate((("train", (8, 8)), ("test", (9, 3)))):
        data = images(10, np.random.default_rng(start))
        for label, n in enumerate(counts):
            folder = tmp_path / "photos" / split / data.class_names[label]
            folder.mkdir(parents=True)
            for i, image in enumerate(data.images[data.labels == label][:n]):
                Image.fromarray(image).save(folder / f"{i}.png")
    arguments = ["finetune", "--model", "first", "--target", str(tmp_path / "photos"), "--steps", "1", "--shots", "all"]
    arguments += ["--learning-rates", "0.01"]
    assert cli.main([*arguments, "--zoo", str(zoo[0].weights.parent)]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "on 12 images, of which the largest class is 75.0%; balanced" in text
