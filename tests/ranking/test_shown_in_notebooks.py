"""What rankings, tasks and spectra show in a notebook, as pictures and as data frames."""

import dataclasses

import numpy as np
import pytest
from tiny import light_task

from lin_ft.data import Task
from lin_ft.finetune import FinetuneResult
from lin_ft.ranking import RankedModel, Ranking
from lin_ft.scores import Scored
from lin_ft.spectra import spectrum_of


def row(name, rank, measured=None):
    scores = {"logme": Scored(0.5 * rank), "rsa": Scored(None, reason="needs x")}
    return RankedModel(
        name, "src", rank, 0.5, (0.4, 0.6), 0.2, 0.1, 0.3, 0.2, 0.1, 1.0, scores=scores, measured=measured
    )


@pytest.fixture
def ranking():
    return Ranking("<b>task</b>", 8, 2, "one<br>", "predicted_decrease", (row("one<br>", 1), row("two", 2)))


def test_a_ranking_is_a_table_of_html(ranking):
    html = ranking._repr_html_()
    assert html.count("<tr>") == 3
    assert "one&lt;br&gt;" in html
    assert "&lt;b&gt;task&lt;/b&gt;: 8 training images" in html
    assert "<br>" not in html
    assert "Label-Gradient" in html


def test_a_task_is_a_contact_sheet():
    task = light_task()
    task = dataclasses.replace(task, train=dataclasses.replace(task.train, class_names=("<a>", "b")))
    assert isinstance(task, Task)
    html = task._repr_html_()
    assert html.count("data:image/png;base64,") == task.n
    assert "&lt;a&gt;" in html
    assert str(task.n) in html


def test_a_spectrum_and_a_ranking_are_pictures(ranking, tmp_path):
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(12, 30))
    spectrum = spectrum_of(rows @ rows.T, np.eye(3)[np.arange(12) % 3], "m<", "t")
    assert "m&lt; on t: alignment" in spectrum._repr_html_()
    assert "data:image/png;base64," in spectrum._repr_html_()
    for thing in (ranking, spectrum):
        picture = thing.plot(tmp_path / "picture.svg")
        assert (tmp_path / "picture.svg").read_text().lstrip().startswith("<?xml")
        assert picture._repr_png_().startswith(b"\x89PNG")


def test_a_ranking_is_a_data_frame(ranking):
    pytest.importorskip("polars")
    result = FinetuneResult("two", "t", 0.01, {}, 0.7, (0.6, 0.8), np.empty(0, bool), (), 0.0)
    frame = dataclasses.replace(ranking, models=(ranking.models[0], row("two", 2, result))).to_polars()
    assert frame["name"].to_list() == ["one<br>", "two"]
    assert frame["predicted_accuracy_interval_low"].to_list() == [0.4, 0.4]
    assert frame["score/logme"].to_list() == [0.5, 1.0]
    assert frame["score/rsa"].to_list() == [None, None]
    assert frame["measured_accuracy"].to_list() == [None, 0.7]
