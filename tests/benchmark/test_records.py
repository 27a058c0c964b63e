"""Finished work: atomic, checked, found by what it was made of, claimed by one worker at a time."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from test_run import fake_work

from lin_ft.benchmark.check import resolve
from lin_ft.benchmark.config import BenchConfig
from lin_ft.benchmark.draws import Draws
from lin_ft.benchmark.entry import FORMAT, sealed
from lin_ft.benchmark.store import CARD, IMAGES, WEIGHTS, Store
from lin_ft.errors import InputError
from lin_ft.files.atomic import write_atomically
from lin_ft.finetune import FinetuneConfig

ROOT = Path(__file__).parents[2]
HOLD = """
import sys, time
from pathlib import Path
from lin_ft.benchmark.claim import locked
with locked(Path(sys.argv[1])) as mine:
    print(mine, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def config(zoo, photos):
    return BenchConfig(
        name="stored", zoo=str(zoo), tasks=(str(photos),), shots=(4,), seeds=(0,), heads=("zero",), reference="first",
        scores=("logme",), finetune=FinetuneConfig(steps=2),
    )  # fmt: skip


def cells_of(config):
    return {(cell.part, cell.model): cell for cell in resolve(config)[1]}


@pytest.fixture
def cell(config):
    return cells_of(config)["finetune", "first"]


def write(store, cell):
    store.write(cell, fake_work(cell, None, None, store.draws))
    store.refresh()


def test_a_record_comes_back_and_other_settings_never_see_it(tmp_path, config, cell):
    store = Store(tmp_path)
    assert store.state(cell) == "missing"
    write(store, cell)
    (record,) = store.find(cell).records.values()
    assert record.row["test_accuracy"] == 0.5
    assert record.entry["settings"]["steps"] == 2
    assert store.state(cell) == "done"
    others = [dataclasses.replace(cell, **change) for change in ({"seed": 1}, {"shots": 5}, {"model": "m"})]
    others += [cells_of(config)["scores", "first"]]
    others += [cells_of(dataclasses.replace(config, finetune=FinetuneConfig(steps=3)))["finetune", "first"]]
    for other in others:
        assert other.place != cell.place
        assert store.missing(other) == other.wanted
    (path,) = (tmp_path / "cells").iterdir()
    assert path.name.startswith(f"{Path(cell.task).name}-4shot-seed0-first-finetune-")


def test_together_is_no_setting(tmp_path, config, cell):
    """How many pairs are trained at once changes no result."""
    store = Store(tmp_path)
    write(store, cell)
    again = cells_of(dataclasses.replace(config, finetune=FinetuneConfig(steps=2, together=1)))["finetune", "first"]
    assert store.state(again) == "done"


def test_a_setting_that_came_later_is_at_its_default(tmp_path, cell):
    """Records made before FinetuneConfig had a field stay, as long as the field is not used."""
    store = Store(tmp_path)
    write(store, cell)
    (path,) = (tmp_path / "cells").iterdir()
    entry = json.loads(path.read_text())
    del entry["settings"]["flip"]
    path.write_text(json.dumps(sealed(entry)))
    store.refresh()
    assert store.state(cell) == "done"
    flipped = tuple((name, "true" if name == "flip" else text) for name, text in cell.wanted[0].settings)
    other = dataclasses.replace(cell, wanted=(dataclasses.replace(cell.wanted[0], settings=flipped),))
    assert store.state(other) == "missing"


def test_one_more_score_is_all_that_is_missing(tmp_path, config):
    store = Store(tmp_path)
    write(store, cells_of(config)["scores", "first"])
    more = cells_of(dataclasses.replace(config, scores=("logme", "leep")))["scores", "first"]
    assert [each.identity for each in store.missing(more)] == [("leep", None, None)]
    assert store.state(more) == "partial"
    write(store, dataclasses.replace(more, wanted=store.missing(more)))
    assert store.state(more) == "done"
    heads = cells_of(dataclasses.replace(config, heads=("zero", "random")))["scores", "first"]
    assert {each.identity[:2] for each in store.missing(heads)} == {
        ("predicted_accuracy", "random"), ("predicted_loss", "random")
    }  # fmt: skip


def test_each_score_depends_on_what_it_sees_and_no_more(config):
    """Probes are seen by the random head alone, source images by the scores that compare with them."""
    config = dataclasses.replace(config, scores=("logme", "frechet_distance", "predicted_decrease"), heads=("random",))

    def changed(**changes):
        before, after = (
            cells_of(each)["scores", "first"].wanted for each in (config, dataclasses.replace(config, **changes))
        )
        return {old.score for old, new in zip(before, after, strict=True) if old != new}

    assert changed(probes=3) == {"predicted_decrease", "predicted_accuracy", "predicted_loss"}
    assert changed(source_shots=2) == {"frechet_distance"}
    assert changed(statistics="target") == {each.score for each in cells_of(config)["scores", "first"].wanted}
    assert changed(seeds=(1,)) == set()


def test_a_score_of_another_revision_is_computed_anew(tmp_path, config, monkeypatch):
    from lin_ft.scores import SCORES

    store = Store(tmp_path)
    write(store, cells_of(config)["scores", "first"])
    monkeypatch.setitem(SCORES, "logme", dataclasses.replace(SCORES["logme"], revision=7))
    cell = cells_of(config)["scores", "first"]
    assert [each.score for each in store.missing(cell)] == ["logme"]


def test_a_function_of_the_users_own_counts_by_its_text(tmp_path, config):
    file = tmp_path / "own.py"
    file.write_text("def norm(features):\n    return 1.0\n")
    config = dataclasses.replace(config, scores=(f"{file}:norm",))
    store = Store(tmp_path / "out")
    write(store, cells_of(config)["scores", "first"])
    assert store.state(cells_of(config)["scores", "first"]) == "done"
    file.write_text("def norm(features):\n    return 2.0\n")
    assert [each.score for each in store.missing(cells_of(config)["scores", "first"])] == [f"{file}:norm"]


@pytest.mark.parametrize(("name", "what"), [("weights", WEIGHTS), ("card", CARD)])
def test_another_model_makes_records_outdated(tmp_path, cell, name, what):
    store = Store(tmp_path)
    write(store, cell)
    other = dataclasses.replace(cell, of_model=tuple((n, "x" if n == name else v) for n, v in cell.of_model))
    assert store.missing(other) == other.wanted
    assert store.find(other).outdated == {cell.wanted[0]: what}
    planned = dataclasses.replace(cell, of_model=())
    assert not store.missing(planned), "a model that is not here cannot be compared"


@pytest.mark.parametrize("damage", ["half", "empty", "altered", "list"])
def test_a_damaged_file_is_missing_and_can_be_written_again(tmp_path, cell, damage, caplog):
    store = Store(tmp_path)
    write(store, cell)
    (path,) = (tmp_path / "cells").iterdir()
    text = path.read_text()
    damaged = {"half": text[: len(text) // 2], "empty": "", "altered": text.replace("0.5", "0.9"), "list": "[1]"}
    path.write_text(damaged[damage])
    store.refresh()
    assert store.state(cell) == "missing"
    assert "damaged" in caplog.text
    write(store, cell)
    assert store.state(cell) == "done"


def test_a_file_of_a_later_version_is_one_sentence(tmp_path, cell, monkeypatch):
    import lin_ft.benchmark.entry as entry_module

    monkeypatch.setattr(entry_module, "FORMAT", FORMAT + 1)
    write(Store(tmp_path), cell)
    monkeypatch.undo()
    with pytest.raises(InputError, match=rf"format {FORMAT + 1}, this version of lin_ft reads {FORMAT}"):
        Store(tmp_path).state(cell)


def test_failures_are_kept_until_the_cell_is_done(tmp_path, cell):
    store = Store(tmp_path)
    store.fail(cell, "ValueError: no", "trace")
    assert store.state(cell) == "failed"
    assert store.failure(cell) == "ValueError: no"
    store.forget_failures([cell])
    assert store.state(cell) == "missing"
    store.fail(cell, "ValueError: no", "trace")
    write(store, cell)
    assert store.failure(cell) is None


def test_a_claim_is_exclusive_and_a_killed_worker_loses_it(tmp_path, cell):
    store = Store(tmp_path)
    lock = tmp_path / "claims" / f"{cell.place}.lock"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert holder.stdout is not None
    assert holder.stdout.readline().strip() == "True"
    with store.claim(cell) as mine:
        assert not mine
    assert store.state(cell) == "running"
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    assert store.state(cell) == "missing"
    with store.claim(cell) as mine, store.claim(cell) as twice:
        assert mine
        assert not twice
    assert not list((tmp_path / "claims").iterdir())


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path, cell):
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file")
    with pytest.raises(InputError, match="cannot be written"):
        store.write(cell, fake_work(cell, None, None, Draws()))
    with pytest.raises(InputError, match="cannot be written"), store.claim(cell):
        pass


def test_a_full_disk_is_one_sentence_and_leaves_nothing():
    """/dev/full fails every write as a full disk does."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(InputError, match="No space left"):
        write_atomically("/dev/shm/cell.json", lambda temporary: Path("/dev/full").write_text("x"))
    assert not list(Path("/dev/shm").glob("*cell.json*"))


def test_images_that_changed_make_records_outdated(tmp_path, config, photos):
    import shutil

    folder = tmp_path / "photos"
    shutil.copytree(photos, folder)
    config = dataclasses.replace(config, tasks=(str(folder),))
    tuned, scored = (cells_of(config)[part, "first"] for part in ("finetune", "scores"))
    store = Store(tmp_path / "out")
    write(store, tuned)
    write(store, scored)
    moved = shutil.move(folder, tmp_path / "elsewhere")
    there = {part: dataclasses.replace(cell, task=str(moved)) for part, cell in (("f", tuned), ("s", scored))}
    store = Store(tmp_path / "out")
    assert {store.state(cell) for cell in there.values()} == {"done"}, "the images count, not where they lie"
    test = Path(moved) / "test"
    (test / "bright" / "0.png").rename(test / "dark" / "extra.png")
    store = Store(tmp_path / "out")
    assert store.state(there["f"]) == "missing", "a test image has another label"
    assert store.state(there["s"]) == "done", "scores do not see it"
    train = Path(moved) / "train"
    for name in os.listdir(train / "bright"):
        (train / "bright" / name).rename(train / "dark" / f"x{name}")
    for path in sorted(set((train / "dark").iterdir()) - set((train / "dark").glob("x*"))):
        path.rename(train / "bright" / path.name)
    assert Store(tmp_path / "out").state(there["s"]) == "missing"


def test_exchanged_labels_are_named(tmp_path, config, photos):
    import shutil

    folder = tmp_path / "photos"
    shutil.copytree(photos, folder)
    cell = cells_of(dataclasses.replace(config, tasks=(str(folder),)))["scores", "first"]
    store = Store(tmp_path / "out")
    write(store, cell)
    first, second, spare = (folder / "train" / name for name in ("bright", "dark", "spare"))
    first.rename(spare)
    second.rename(first)
    spare.rename(second)
    store = Store(tmp_path / "out")
    assert set(store.find(cell).outdated.values()) == {IMAGES}
