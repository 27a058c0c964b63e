"""Models side by side: the same rows by one process and by two; a model whose workers die is named, the rest ranked."""

import dataclasses

import pytest
from tiny import light_task, random_model

from lin_ft.errors import InputError
from lin_ft.ranking import RankConfig, rank, side_by_side
from lin_ft.workers import Lost

CONFIG = RankConfig(reference="first", head="zero")  # no kernel to compile


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    return [random_model(folder, name, seed) for seed, name in enumerate(("first", "second"))]


def test_two_processes_give_the_rows_of_one(zoo, monkeypatch, caplog):
    monkeypatch.setattr("lin_ft.workers.n_cores", lambda: 2)
    caplog.set_level("INFO", logger="lin_ft")
    one, two = rank(zoo, light_task(), CONFIG), rank(zoo, light_task(), CONFIG, progress=True, workers=2)
    rows = [[dataclasses.replace(row, seconds=0.0) for row in each.models] for each in (one, two)]
    for row, other in zip(*rows, strict=True):
        assert row.name == other.name
        assert row.predicted_loss == pytest.approx(other.predicted_loss, rel=1e-5)
    assert "2 of 2, " in caplog.text


def test_a_lost_model_is_named(zoo, monkeypatch):
    def lossy(work, items, workers, kind):
        yield 1, work(items[1])
        yield 0, Lost("the worker died 4 times (killed by signal 9)")

    monkeypatch.setattr(side_by_side, "checked", lambda workers, executor: lossy)
    ranking = rank(zoo, light_task(), CONFIG)
    assert [row.name for row in ranking.models] == ["second"]
    assert ranking.failed[0].reason == "the worker died 4 times (killed by signal 9)"


def test_models_of_one_architecture_share_a_kind(zoo):
    first, second = zoo
    assert side_by_side._kind(first) == side_by_side._kind(second)
    other = dataclasses.replace(second, card=dataclasses.replace(second.card, architecture="resnet50"))
    assert side_by_side._kind(first) != side_by_side._kind(other)


def test_a_model_that_no_other_process_can_have(zoo, monkeypatch):
    class Held(type(zoo[0])):
        def __reduce__(self):
            raise TypeError("no")

    monkeypatch.setattr("lin_ft.workers.n_cores", lambda: 2)
    held = Held(zoo[0].card, zoo[0].weights)
    with pytest.raises(InputError, match="'first': it cannot be given to another process"):
        rank([held], light_task(), CONFIG, workers=2)
