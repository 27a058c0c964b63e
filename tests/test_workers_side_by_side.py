"""Processes side by side: every result comes, a lost worker's work is done again, errors are told."""

import os
import signal
from functools import partial

import pytest

from lin_ft import workers
from lin_ft.errors import InputError


def squared(item):
    return item**2


def dies(folder, times, item):
    """Kills its own process the first `times` times that it meets item 1."""
    met = len(os.listdir(folder))
    if item == 1 and met < times:
        (folder / str(met)).write_text("")
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def refuses(item):
    raise InputError(f"item {item}: no")


def breaks(item):
    raise ValueError(f"item {item}")


def side_by_side(work, items, count=2):
    return dict(workers.local(work, items, count, kind=lambda item: item % 2))


def test_every_item_once():
    assert side_by_side(squared, [3, 4, 5, 6, 7]) == {0: 9, 1: 16, 2: 25, 3: 36, 4: 49}
    assert side_by_side(squared, [3, 4], count=1) == {0: 9, 1: 16}


def test_what_a_lost_worker_did_is_done_again(tmp_path, caplog):
    assert side_by_side(partial(dies, tmp_path, 1), [0, 1, 2]) == {0: 0, 1: 1, 2: 2}
    assert len(os.listdir(tmp_path)) == 1
    assert "killed by signal 9" in caplog.text


def test_an_item_that_kills_every_worker_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "RETRIES", 1)
    done = side_by_side(partial(dies, tmp_path, 9), [0, 1])
    assert done[0] == 0
    assert done[1] == workers.Lost("the worker died 2 times (killed by signal 9)")


def test_errors_come_back():
    with pytest.raises(InputError, match=r"item [12]: no"):
        side_by_side(refuses, [1, 2])
    with pytest.raises(RuntimeError, match=r"ValueError: item [12]"):
        side_by_side(breaks, [1, 2])


def test_more_workers_than_cores(monkeypatch):
    monkeypatch.setattr(workers, "n_cores", lambda: 2)
    assert workers.checked(2, "local") is workers.local
    with pytest.raises(InputError, match=r"--workers 3: this process may use 2 cores.*give at most 2"):
        workers.checked(3, "local")
    assert workers.checked(3, "ray") is workers.on_ray
