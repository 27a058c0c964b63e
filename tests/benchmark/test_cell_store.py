"""Cells: atomic, checked, claimed by one worker at a time; a kill -9 leaves nothing behind."""

import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lin_ft.benchmark.config import Cell
from lin_ft.benchmark.store import Store
from lin_ft.errors import InputError

CELL = Cell("finetune", "model", "/some/folder/My photos", 10, 0, (("steps", "150"),))
HOLD = """
import sys, time
from pathlib import Path
from lin_ft.benchmark.config import Cell
from lin_ft.benchmark.store import Store
cell = Cell("finetune", "model", "/some/folder/My photos", 10, 0, (("steps", "150"),))
with Store(Path(sys.argv[1])).claim(cell) as mine:
    print(mine, flush=True)
    time.sleep(60)
"""


def test_a_cell_comes_back_and_another_configuration_never_sees_it(tmp_path):
    store = Store(tmp_path)
    assert store.state(CELL) == "missing"
    store.write(CELL, {"status": "done", "test_accuracy": 1 / 3, "seconds": 1.0})
    values = store.read(CELL)
    assert values is not None
    assert values["test_accuracy"] == 1 / 3
    assert values["settings"] == {"steps": "150"}
    assert store.state(CELL) == "done"
    for change in ({"settings": (("steps", "151"),)}, {"seed": 1}, {"shots": 5}, {"part": "scores"}, {"model": "m"}):
        other = dataclasses.replace(CELL, **change)
        assert other.key != CELL.key
        assert store.read(other) is None
    assert CELL.filename.startswith("My_photos-10shot-seed0-model-finetune-")


@pytest.mark.parametrize("damage", ["half", "empty", "altered", "list"])
def test_a_damaged_cell_is_missing_and_can_be_written_again(tmp_path, damage, caplog):
    store = Store(tmp_path)
    store.write(CELL, {"status": "done", "test_accuracy": 0.5})
    path = tmp_path / "cells" / CELL.filename
    text = path.read_text()
    damaged = {"half": text[: len(text) // 2], "empty": "", "altered": text.replace("0.5", "0.9"), "list": "[1]"}
    path.write_text(damaged[damage])
    assert store.read(CELL) is None
    assert store.state(CELL) == "missing"
    assert "damaged" in caplog.text
    store.write(CELL, {"status": "done", "test_accuracy": 0.5})
    assert store.read(CELL) is not None


def test_failures_are_kept_until_the_cell_is_done(tmp_path):
    store = Store(tmp_path)
    store.fail(CELL, "ValueError: no", "trace")
    assert store.state(CELL) == "failed"
    assert store.failure(CELL) == "ValueError: no"
    store.forget_failures([CELL])
    assert store.state(CELL) == "missing"
    store.fail(CELL, "ValueError: no", "trace")
    store.write(CELL, {"status": "diverged", "test_accuracy": None})
    assert store.failure(CELL) is None
    assert store.state(CELL) == "diverged"


def test_a_claim_is_exclusive_and_a_killed_worker_loses_it(tmp_path):
    store = Store(tmp_path)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert holder.stdout is not None
    assert holder.stdout.readline().strip() == "True"
    with store.claim(CELL) as mine:
        assert not mine
    assert store.state(CELL) == "running"
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    holder.stdout.close()
    assert store.state(CELL) == "missing"
    with store.claim(CELL) as mine, store.claim(CELL) as twice:
        assert mine
        assert not twice
    assert not list((tmp_path / "claims").iterdir())


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    store = Store(tmp_path / "file")
    with pytest.raises(InputError, match="cannot be written"):
        store.write(CELL, {})
    with pytest.raises(InputError, match="cannot be written"), store.claim(CELL):
        pass


def test_a_full_disk_is_one_sentence_and_leaves_nothing():
    """/dev/full fails every write as a full disk does."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    from lin_ft.files.atomic import write_atomically

    with pytest.raises(InputError, match="No space left"):
        write_atomically("/dev/shm/cell.json", lambda temporary: Path("/dev/full").write_text("x"))
    assert not list(Path("/dev/shm").glob("*cell.json*"))
