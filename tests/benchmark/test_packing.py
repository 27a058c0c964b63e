"""`lin-ft bench pack`: one file a part, the same bytes for the same work; cut off anywhere, nothing is lost."""

import gzip
import json
import multiprocessing
import os
import signal
from pathlib import Path

import pytest
from test_run import fake_work, faked, polars, run  # noqa: F401

from lin_ft.benchmark import packing
from lin_ft.benchmark.check import resolve
from lin_ft.benchmark.claim import locked
from lin_ft.benchmark.collect import read_parquet
from lin_ft.benchmark.config import load_config
from lin_ft.benchmark.packed import read_packed, write_packed
from lin_ft.benchmark.store import Store
from lin_ft.errors import InputError

FILES = ("finetune.jsonl.gz", "scores.jsonl.gz")


@pytest.fixture
def ran(config_file, tmp_path, faked):  # noqa: F811
    """A finished benchmark: (config, its folder, the cells that were done)."""
    config, out = config_file(), tmp_path / "out"
    assert run("bench", "run", config, "--out", out) == 0
    return config, out, faked


def contents(out):
    return [(out / name).read_bytes() for name in FILES]


def states(config, out):
    store = Store(out)
    return {store.state(cell) for cell in resolve(load_config(config))[1]}


def test_packed_work_counts_as_finished_and_the_table_is_the_same(ran, capsys):
    config, out, done = ran
    assert run("bench", "collect", config, "--out", out) == 0
    before = read_parquet(out / "table.parquet")
    (out / "table.parquet").unlink()
    capsys.readouterr()
    assert run("bench", "pack", config, "--out", out) == 0
    shown = capsys.readouterr().out
    assert "finetune.jsonl.gz: 4 records (4 new)" in shown
    assert "scores.jsonl.gz: 40 records (40 new)" in shown
    assert sorted(path.name for path in out.iterdir() if path.is_file()) == [*FILES, "table.parquet"]
    assert not list((out / "cells").iterdir())
    assert read_parquet(out / "table.parquet").equals(before)
    assert run("bench", "run", config, "--out", out) == 0
    assert len(done) == 8, "nothing is computed twice"
    lines = gzip.decompress((out / FILES[0]).read_bytes()).splitlines()
    assert json.loads(lines[0]) == {"kind": "lin_ft benchmark records", "format": 2, "part": "finetune"}
    assert [json.loads(line)["model"] for line in lines[1:]] == ["first", "second"] * 2


def test_the_same_work_makes_the_same_bytes_in_whatever_steps(ran, tmp_path):
    config, out, _ = ran
    other = tmp_path / "other"
    (other / "cells").mkdir(parents=True)
    for path in sorted((out / "cells").iterdir(), reverse=True):
        (other / "cells" / path.name).write_bytes(path.read_bytes())
        assert run("bench", "pack", config, "--out", other) == 0
    assert run("bench", "pack", config, "--out", out) == 0
    assert contents(other) == contents(out)
    assert contents(out)[0][4:8] == bytes(4), "no time stamp"
    before = contents(out)
    assert run("bench", "pack", config, "--out", out) == 0
    assert contents(out) == before


def test_one_more_score_is_computed_and_packed_beside_the_others(ran, config_file):
    config, out, done = ran
    assert run("bench", "pack", config, "--out", out) == 0
    text = config.read_text().replace('scores=("logme", "etran")', 'scores=("logme", "etran", "leep")')
    config.write_text(text)
    assert run("bench", "run", config, "--out", out) == 0
    assert [(cell.part, [each.score for each in cell.wanted]) for cell in done[8:]] == [("scores", ["leep"])] * 4
    assert run("bench", "pack", config, "--out", out) == 0
    table = read_parquet(out / "table.parquet")
    assert table.filter(polars.col("score") == "leep").height == 4
    assert states(config, out) == {"done"}


def test_status_is_complete_but_for_a_score_that_is_new_to_the_registry(ran, monkeypatch, capsys):
    from lin_ft.scores import SCORES

    config, out, _ = ran
    config.write_text(config.read_text().replace('scores=("logme", "etran"), ', ""))
    monkeypatch.setattr("lin_ft.benchmark.suite.known_scores", lambda: ("logme", "etran"))
    monkeypatch.setattr("lin_ft.benchmark.check.known_scores", lambda: ("logme", "etran"))
    assert states(config, out) == {"done"}
    monkeypatch.setitem(SCORES, "brand_new", SCORES["leep"])
    monkeypatch.setattr("lin_ft.benchmark.check.known_scores", lambda: ("logme", "etran", "brand_new"))
    capsys.readouterr()
    assert run("bench", "status", config, "--out", out) == 0
    shown = capsys.readouterr().out
    assert "finetune: 4 done" in shown
    assert "still to compute: brand_new, of 4 cells" in shown
    assert shown.count("still to compute") == 1


@pytest.mark.parametrize("moment", ["before", "after"])
def test_cut_off_before_or_after_the_new_file_is_there_both_stay(ran, moment, monkeypatch):
    """Killed while the packed file is written, and between that and the removal of the cells."""
    config, out, done = ran
    cells = sorted((out / "cells").iterdir())
    real = packing.write_packed

    def killed(path, part, entries):
        if moment == "after":
            real(path, part, entries)
        os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(packing, "write_packed", killed)
    process = multiprocessing.get_context("fork").Process(target=run, args=("bench", "pack", config, "--out", out))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    monkeypatch.undo()
    assert sorted((out / "cells").iterdir()) == cells
    assert states(config, out) == {"done"}
    assert run("bench", "pack", config, "--out", out) == 0
    assert not list((out / "cells").iterdir())
    assert read_parquet(out / "table.parquet").height == 44
    assert len(done) == 8


def test_a_full_disk_is_one_sentence_and_leaves_both(ran, monkeypatch, capsys):
    config, out, _ = ran
    (first, *_) = sorted((out / "cells").iterdir())
    assert run("bench", "pack", config, "--out", out) == 0
    before = contents(out)
    first.write_bytes(b"")
    first.unlink()
    monkeypatch.setattr(Path, "write_bytes", lambda path, data: Path("/dev/full").write_text("x"))
    with pytest.raises(InputError, match="No space left"):
        write_packed(out / FILES[0], "finetune", read_packed(out / FILES[0]))
    monkeypatch.undo()
    assert contents(out) == before
    assert not list(out.glob(".*"))


@pytest.mark.parametrize("damage", ["half", "flipped"])
def test_a_damaged_packed_file_is_refused_and_what_can_be_read_is_kept_on_demand(ran, damage, capsys):
    config, out, done = ran
    assert run("bench", "pack", config, "--out", out) == 0
    path = out / FILES[1]
    data = bytearray(path.read_bytes())
    if damage == "half":
        data = data[: len(data) // 2]
    else:
        data[len(data) * 3 // 4] ^= 255
    path.write_bytes(data)
    for command in ("run", "status", "collect", "pack"):
        assert run("bench", command, config, "--out", out) == 2
        error = capsys.readouterr().err
        assert "scores.jsonl.gz: damaged" in error
        assert "--repair" in error
        assert "Traceback" not in error
    assert len(done) == 8, "a damaged file is no reason to compute everything again"
    assert run("bench", "pack", config, "--out", out, "--repair") == 0
    assert run("bench", "run", config, "--out", out) == 0
    assert 8 < len(done) <= 12
    assert states(config, out) == {"done"}


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ({"kind": "lin_ft benchmark records", "format": 3}, "format 3, this version of lin_ft reads 2; update"),
        ({"kind": "lin_ft benchmark records", "format": 1}, "pack it anew"),
        ({"some": "thing"}, "no file of benchmark records"),
    ],
)
def test_a_packed_file_of_another_version_or_kind_is_one_sentence(config_file, tmp_path, capsys, head, message):
    (tmp_path / FILES[0]).write_bytes(gzip.compress(json.dumps(head).encode() + b"\n"))
    for command in ("run", "status", "pack"):
        assert run("bench", command, config_file(), "--out", tmp_path) == 2
        assert message in capsys.readouterr().err


def test_two_at_once_is_one_sentence(ran, capsys):
    config, out, _ = ran
    with locked(out / "claims" / "pack.lock") as mine:
        assert mine
        assert run("bench", "pack", config, "--out", out) == 2
    assert "another `lin-ft bench pack` is at work" in capsys.readouterr().err


def test_a_worker_that_is_at_it_meanwhile_sees_what_was_packed(ran):
    config, out, _ = ran
    store = Store(out)
    _, cells = resolve(load_config(config))
    assert {store.state(cell) for cell in cells} == {"done"}
    assert run("bench", "pack", config, "--out", out) == 0
    store.refresh()
    assert {store.state(cell) for cell in cells} == {"done"}


def test_prune_drops_what_is_not_asked_for_and_counts_it(ran, config_file, capsys):
    config, out, _ = ran
    assert run("bench", "run", config_file(rates="0.01, 0.02"), "--out", out) == 0
    assert run("bench", "pack", config_file(), "--out", out) == 0
    assert len(read_packed(out / FILES[0])) == 8, "other settings in the same folder stay"
    config.write_text(config.read_text().replace('scores=("logme", "etran")', 'scores=("etran",)'))
    capsys.readouterr()
    assert run("bench", "pack", config, "--out", out, "--prune") == 0
    shown = capsys.readouterr().out
    assert "finetune.jsonl.gz: 4 records (4 dropped)" in shown
    assert "scores.jsonl.gz: 36 records (4 dropped)" in shown
    assert states(config, out) == {"done"}


def test_only_one_part_is_run_on_demand_and_a_draw_is_whole_before_the_next(config_file, tmp_path, faked):  # noqa: F811
    config, out = config_file(), tmp_path / "out"
    assert run("bench", "run", config, "--out", out, "--part", "finetune") == 0
    assert [(cell.part, cell.seed) for cell in faked] == [("finetune", 0)] * 2 + [("finetune", 1)] * 2
    faked.clear()
    assert run("bench", "run", config, "--out", tmp_path / "whole") == 0
    places = [(cell.seed, cell.part) for cell in faked]
    assert places == [(0, "scores")] * 2 + [(0, "finetune")] * 2 + [(1, "scores")] * 2 + [(1, "finetune")] * 2


def test_further_draws_are_done_after_the_rest_and_alone_on_demand(config_file, tmp_path, faked, capsys):  # noqa: F811
    """Fewer images on fewer draws, in the same folder and table."""
    config, out = config_file(), tmp_path / "out"
    whole = config.read_text()
    more = "import dataclasses\nfrom lin_ft.benchmark.config import FurtherDraws\nconfig = dataclasses.replace(config, "
    config.write_text(f"{whole}{more}also=(FurtherDraws((2,), (0,)),))\n")
    assert run("bench", "run", config, "--out", out, "--shots", 2, "--part", "scores") == 0
    assert {(cell.part, cell.shots, cell.seed) for cell in faked} == {("scores", 2, 0)}
    faked.clear()
    assert run("bench", "run", config, "--out", out, "--seeds", 1) == 0
    assert {(cell.shots, cell.seed) for cell in faked} == {(4, 1)}
    faked.clear()
    assert run("bench", "run", config, "--out", out) == 0
    assert [(cell.shots, cell.seed) for cell in faked] == [(4, 0)] * 4 + [(2, 0)] * 2
    assert run("bench", "pack", config, "--out", out) == 0
    assert set(read_parquet(out / "table.parquet")["shots"]) == {2, 4}
    assert run("bench", "plan", config, "--out", out) == 0
    shown = capsys.readouterr().out
    assert "tiny: 2 models x 1 tasks x 1 shots x 2 seeds" in shown
    assert "tiny: 2 models x 1 tasks x 1 shots x 1 seeds" in shown
    assert run("bench", "run", config, "--out", out, "--seeds", 7) == 2
    assert "leave nothing to do" in capsys.readouterr().err
    config.write_text(f"{whole}{more}also=(FurtherDraws((-1,), (), ('other',)),))\n")
    assert run("bench", "status", config, "--out", out) == 2
    assert "also: -1 is below 0; also: other is not among the tasks; also: shots or seeds" in capsys.readouterr().err
