"""The scripts of experiments/inspect run at small size, and go on where they stopped."""

import json

import numpy as np
import pytest
from small_zoo import small_tasks, small_zoo

from experiments.inspect.datamodeling import Datamodeling, half
from experiments.inspect.dropping import Dropping
from experiments.inspect.flips import Flips, flipped
from experiments.inspect.labelling import Labelling
from experiments.inspect.near_copies import NearCopies


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = small_tasks(tmp_path_factory.mktemp("inspect"))
    (folder / "zoo").mkdir()
    return folder


@pytest.fixture
def options(place, tmp_path, monkeypatch):
    small_zoo(place / "zoo", monkeypatch)
    monkeypatch.setenv("LIN_FT_CACHE", str(place / "cache"))
    return {"zoo": str(place / "zoo"), "out": tmp_path}


def scripts(place):
    task = str(place / "stripes")
    models = ("first", "second")
    return {
        "flips": Flips(tasks=(task,), models=models, shots=4, flips=1),
        "dropping": Dropping(tasks=(task,), model="first", shots=4, rates=(0.2,), seeds=(0,), steps=2),
        "labelling": Labelling(tasks=(task,), models=models, pool=9, test=6, start=2, budgets=(1, 2), draws=1),
        "datamodeling": Datamodeling(task=task, model="first", shots=4, subsets=4, steps=2, batch_size=4, max_test=4),
        "near_copies": NearCopies(tasks=(task,), model="first", shots=4),
    }


@pytest.mark.parametrize("name", ["flips", "dropping", "labelling", "datamodeling", "near_copies"])
def test_it_runs_and_goes_on(name, place, options, capsys):
    import dataclasses

    script = dataclasses.replace(scripts(place)[name], **options)
    script.run()
    first = (options["out"] / f"{name}.json").read_text()
    assert json.loads(first)["made"]["commit"]
    report = (options["out"] / f"{name}.md").read_text()
    assert report.startswith("# ")
    assert "| --- |" in report
    script.run()
    assert (options["out"] / f"{name}.json").read_text() == first, "nothing was computed again"
    assert "nan" not in report


def test_flips_change_as_many_labels_as_they_say_and_halves_are_halves():
    labels = np.arange(100) % 5
    changed, wrong = flipped(labels, 5, 0.2, 3)
    assert wrong.sum() == 20
    np.testing.assert_array_equal(changed != labels, wrong)
    np.testing.assert_array_equal(flipped(labels, 5, 0.2, 3)[0], changed)
    assert half(21, 0).sum() == 10
    assert not np.array_equal(half(20, 0), half(20, 1))
