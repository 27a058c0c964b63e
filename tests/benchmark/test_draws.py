"""Digests of draws: of the images and labels themselves, kept for as long as the files look the same."""

import os
import shutil
import time

import numpy as np
import pytest

from lin_ft.benchmark import draws as module
from lin_ft.benchmark.draws import Draws, digests_of, files_of, state_of
from lin_ft.data import load_task
from lin_ft.errors import InputError

DRAW = (4, 0, 32, 100)


@pytest.fixture
def folder(photos, tmp_path, monkeypatch):
    """A copy whose files are a minute old, and an empty cache."""
    monkeypatch.setenv("LIN_FT_CACHE", str(tmp_path / "cache"))
    shutil.copytree(photos, tmp_path / "photos")
    monkeypatch.setattr(module, "FRESH", 0.0)
    time.sleep(0.02)  # longer than a tick of the clock that stamps files
    return tmp_path / "photos"


@pytest.fixture
def loads(monkeypatch):
    """The sources that were read."""
    seen = []
    monkeypatch.setattr(module, "load_task", lambda source, **given: seen.append(source) or load_task(source, **given))
    return seen


def test_what_is_known_is_not_read_again(folder, loads):
    first = Draws().digests(str(folder), *DRAW)
    assert Draws().digests(str(folder), *DRAW) == first
    assert len(loads) == 1
    assert Draws().digests(str(folder), 4, 1, 32, 100) != first
    assert len(loads) == 2
    assert digests_of(Draws().task(str(folder), *DRAW)) == first


def test_working_on_a_draw_leaves_its_digests(folder, loads):
    digests = digests_of(Draws().task(str(folder), *DRAW))
    assert Draws().digests(str(folder), *DRAW) == digests
    assert len(loads) == 1


def test_a_change_that_looks_like_none_is_seen(folder):
    """Same names, sizes and modification times: two pictures exchanged, as `mv` does it."""
    before = Draws().digests(str(folder), *DRAW)
    stamps = {path: path.stat() for path in folder.rglob("*.png")}
    for path in sorted((folder / "train" / "bright").iterdir()):
        other, spare = folder / "train" / "dark" / path.name, path.with_suffix(".spare")
        other = next(p for p in sorted((folder / "train" / "dark").iterdir()) if not p.name.startswith("x"))
        path.rename(spare)
        other.rename(path)
        spare.rename(other.with_name("x" + other.name))
    for path, stat in stamps.items():
        if path.exists():
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert Draws().digests(str(folder), *DRAW) != before


def test_files_of_this_moment_are_read_each_time(folder, loads, monkeypatch):
    """Within one tick of the clock a file may change twice."""
    monkeypatch.setattr(module, "FRESH", 1000.0)
    assert state_of(str(folder)) is None
    Draws().digests(str(folder), *DRAW)
    Draws().digests(str(folder), *DRAW)
    assert len(loads) == 2


def test_other_code_that_draws_makes_kept_digests_worthless(folder, loads, monkeypatch):
    Draws().digests(str(folder), *DRAW)
    monkeypatch.setattr(module, "_code", lambda: "another")
    Draws().digests(str(folder), *DRAW)
    assert len(loads) == 2


def test_labels_count(folder):
    task = Draws().task(str(folder), *DRAW)
    digests = digests_of(task)
    task.train.labels[0] ^= 1
    assert digests_of(task).train != digests.train
    assert digests_of(task).held_out == digests.held_out
    task.validation.labels[0] ^= 1
    assert digests_of(task).held_out != digests.held_out
    np.testing.assert_array_equal(load_task(str(folder), shots=4).n_classes, 2)


def test_a_linked_folder_is_entered_once(folder):
    (folder / "train" / "bright" / "round").symlink_to(folder / "train", target_is_directory=True)
    assert state_of(str(folder)) is not None


def test_data_that_is_not_here_is_not_fetched(tmp_path, monkeypatch):
    monkeypatch.setenv("LIN_FT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    assert files_of("optdigits") is None
    assert Draws().digests("optdigits", *DRAW) is None
    assert Draws().digests("no_such_data", *DRAW) is None


def test_a_draw_that_cannot_be_made_says_so(folder):
    with pytest.raises(InputError, match="fewer than"):
        Draws().digests(str(folder), 50, 0, 32, 100)
