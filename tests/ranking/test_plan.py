"""A ranking is planned without weights and without computing; a thousand entries cost no more than their kinds."""

import dataclasses

import numpy as np
import pytest
from tiny import light_task, random_model

from lin_ft import cli
from lin_ft.errors import InputError
from lin_ft.ranking import RankConfig, plan, view
from lin_ft.zoo import ZooModel


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    model = random_model(folder, "first")
    (folder / "first.safetensors").unlink()  # no weights are read
    backbone = dataclasses.replace(model.card, name="second", architecture="mobilenet_v2", image_size=224)
    return [ZooModel(model.card, model.weights), ZooModel(backbone, model.weights)]


def test_two_models(zoo, monkeypatch):
    monkeypatch.setattr(view, "probe_gram", lambda *_, **__: pytest.fail("computed"))
    planned = plan(zoo, 100, 32)
    assert [row.name for row in planned.rows] == ["first", "second"]
    assert all(row.compiling > 0 and row.computing > 0 and row.memory > 2**28 for row in planned.rows)
    assert planned.seconds(kept=True) < planned.seconds(kept=False)
    assert str(planned).startswith("2 models, 2 kinds of network, 100 images of 32 pixels, exact kernels: about")


def test_what_more_work_costs(zoo):
    first = plan(zoo[:1], 100, 32).rows[0]
    assert plan(zoo[:1], 400, 32).rows[0].computing > 4 * first.computing
    assert plan(zoo[:1], 100, 32, RankConfig(probes=8)).rows[0].computing > 2 * first.computing
    many = [plan(zoo[:1], n, 32).rows[0] for n in (10_000, 50_000)]
    assert many[1].computing == pytest.approx(5 * many[0].computing, rel=0.2), "linear in the images"
    assert many[0].memory < 2**31
    assert plan(zoo[:1], 10_000, 32).sketched


def test_a_thousand_entries(zoo, monkeypatch):
    monkeypatch.setattr("lin_ft.workers.n_cores", lambda: 64)
    one, many = plan(zoo, 100, 32), plan(zoo, 100, 32, workers=20, entries=1000)
    assert len({row.name for row in many.rows}) == 1000
    assert np.count_nonzero([row.compiling for row in many.rows]) == 2, "each kind is compiled once"
    total = 500 * sum(row.computing for row in one.rows)
    assert many.seconds(kept=True) == pytest.approx(total / 20, rel=0.3)
    assert many.memory == pytest.approx(20 * max(row.memory for row in one.rows))
    assert "1000 models, 2 kinds" in str(many)


def test_bad_input(zoo):
    for arguments in (([], 10, 32), (zoo, 0, 32)):
        with pytest.raises(InputError):
            plan(*arguments)


def test_the_command_computes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("lin_ft.ranking.rank", lambda *_, **__: pytest.fail("computed"))
    monkeypatch.setattr("lin_ft.data.load_task", lambda *_, **__: light_task())
    command = ["rank", "somewhere", "--zoo", "embedded", "--plan"]
    assert cli.main([*command, "--entries", "1000"]) == 0
    assert "1000 models" in capsys.readouterr().out
    for bad, told in (
        (["rank", "x", "--entries", "5"], "--entries 5: only a plan"),
        (["rank", "x", "--workers", "0"], "--workers 0: give at least 1"),
        (["rank", "x", "--workers", "4096"], "--workers 4096: this process may use"),
        (["rank", "x", "--executor", "magic"], "--executor magic: unknown"),
    ):
        assert cli.main(bad) == 2
        error = capsys.readouterr().err
        assert told in error
        assert "Traceback" not in error
