"""The matrix from end to end: run, status, collect, report, plan; resumed, shared, failed, diverged."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lin_ft import cli
from lin_ft.benchmark import executors
from lin_ft.benchmark.check import resolve, resolve_planned
from lin_ft.benchmark.collect import columns, matrix, read_parquet, unfinished, works
from lin_ft.benchmark.config import BenchConfig, PlannedModel, PlannedTask, load_config
from lin_ft.benchmark.draws import Draws
from lin_ft.benchmark.executors import Job
from lin_ft.benchmark.plan import plan
from lin_ft.benchmark.store import Store
from lin_ft.benchmark.work import made_of_now
from lin_ft.errors import InputError
from lin_ft.finetune import FinetuneConfig

polars = pytest.importorskip("polars")
ROOT = Path(__file__).parents[2]


def run(*arguments) -> int:
    return cli.main([str(argument) for argument in arguments])


def fake_work(cell, config, model, draws):
    """What `work` returns, without any work: the second model is better, more so on the second seed."""
    better = 0.1 * (cell.model == "second") + 0.05 * cell.seed
    accuracy = {"test_accuracy": 0.5 + better, "learning_rate": 0.01, "test_accuracy_interval": [0.4, 0.8]}
    accuracy |= {"validation_accuracy": {"0.01": 0.5}, "balanced_accuracy": 0.5, "largest_class": 0.5}
    rows = {each: {"value": 0.6 + better, "seconds": 0.1} for each in cell.wanted}
    rows |= {
        each: {"value": None, "reason": "no luck", "seconds": 0.0}
        for each in cell.wanted
        if each.score == "logme" and cell.seed
    }
    rows |= {each: {"value": None, "parts": [better, 1.0], "seconds": 0.0} for each in rows if each.score == "etran"}
    task = draws.task(cell.task, cell.shots, cell.seed, cell.image_size, cell.max_test)
    made_of = {"made_of": made_of_now(cell, task, draws)}
    of_task = {"task_name": "t", "n": 8, "n_classes": 2, "n_test": 10, "source": "s", "domain": "d"}
    of_model = {"architecture": "resnet20", "family": "single", "n_params": 100, "source_test_accuracy": 0.5}
    made = {"seconds": 3.0, "cpu_seconds": 2.0, "peak_memory_mb": 10.0, "device": "cpu", "commit": "abc"}
    made |= {"versions": {"python": "3"}}
    result = accuracy if cell.part == "finetune" else {"scores": rows}
    return {"status": "done", **of_task, **of_model, **made, **made_of, **result}


@pytest.fixture
def faked(monkeypatch):
    import lin_ft.benchmark.work

    done = []

    def work(cell, config, model, draws):
        done.append(cell)
        return fake_work(cell, config, model, draws)

    monkeypatch.setattr(lin_ft.benchmark.work, "work", work)
    return done


def test_everything_for_real(config_file, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    config = config_file()
    assert run("bench", "run", config) == 0
    assert "8 of 8 cells finished" in capsys.readouterr().out
    files = sorted((tmp_path / "bench" / "tiny" / "cells").iterdir())
    assert len(files) == 8
    values = json.loads(next(path for path in files if "-finetune-" in path.name).read_text())
    assert 0 <= values["test_accuracy"] <= 1
    assert values["balanced_accuracy"] == pytest.approx(values["test_accuracy"])  # its classes are of one size
    assert values["largest_class"] == 0.5
    assert len(values["correct"]) == values["n_test"] == 10
    assert len(values["grid"][0]["curve"]) == 2
    made = {"commit", "versions", "device", "seconds", "cpu_seconds", "peak_memory_mb", "seed", "made_of", "settings"}
    assert made <= values.keys()
    assert values["made_of"].keys() == {"weights", "card", "train", "held_out"}
    scores = json.loads(next(path for path in files if "-scores-" in path.name).read_text())["scores"]
    assert scores.keys() == {"predicted_accuracy", "predicted_loss", "logme", "etran"}
    assert np.isfinite(scores["logme"][0]["value"])
    losses = {(row["head"], row["left_out"]): row["value"] for row in scores["predicted_loss"]}
    assert losses.keys() == {(head, way) for head in ("random", "zero") for way in ("image", "shot")}
    assert losses["random", "shot"] != losses["random", "image"]
    before = {path: path.stat().st_mtime_ns for path in files}
    assert run("bench", "run", config) == 0
    assert {path: path.stat().st_mtime_ns for path in files} == before, "nothing finished is done again"
    assert run("bench", "status", config) == 0
    assert run("bench", "collect", config) == 0
    assert run("bench", "report", config) == 0
    assert run("bench", "plan", config, "--tflops", 1) == 0
    assert "FLOPs" in capsys.readouterr().out
    table = read_parquet(tmp_path / "bench" / "tiny" / "table.parquet")
    assert table["part"].value_counts(sort=True).rows() == [("scores", 40), ("finetune", 4)]
    etran = table.filter(polars.col("score") == "etran")
    assert etran["value"].null_count() == 0  # of the whole zoo: put together when collected
    assert (etran["head"].to_list(), etran["left_out"].to_list()) == ([None] * 4, [None] * 4)
    assert works(table).height == 8
    report = (tmp_path / "bench" / "tiny" / "report" / "report.md").read_text()
    assert "**[How many selections reach the best model?](selections.md)**" in report
    assert (tmp_path / "bench" / "tiny" / "report" / "selections.md").exists()
    assert set(table["family"]) == {"single"}
    assert "predicted_accuracy" in report


def test_interrupted_damaged_and_changed_cells_are_the_only_ones_done(config_file, tmp_path, faked, capsys):
    out = tmp_path / "out"
    config = config_file()
    assert run("bench", "run", config, "--out", out) == 0
    assert len(faked) == 8
    first, second, *_ = sorted((out / "cells").iterdir())
    first.unlink()
    second.write_text(second.read_text()[:100])
    assert run("bench", "run", config, "--out", out) == 0
    assert len(faked) == 10
    assert run("bench", "run", config_file(rates="0.01, 0.02"), "--out", out) == 0
    assert len(faked) == 14, "another learning rate makes new fine-tunings, and no new scores"
    assert run("bench", "run", config_file(), "--out", out) == 0
    assert len(faked) == 14, "the old ones are still there"


def test_collect_takes_the_cells_of_this_configuration_only(config_file, tmp_path, faked, capsys):
    out = tmp_path / "out"
    assert run("bench", "run", config_file(), "--out", out) == 0
    changed = config_file(rates="0.5")
    assert run("bench", "collect", changed, "--out", out) == 0
    table = read_parquet(out / "table.parquet")
    assert set(table["part"]) == {"scores"}
    assert table.filter(polars.col("score") == "logme")["value"].count() == 2
    assert run("bench", "report", changed, "--out", out) == 2
    assert "no fine-tuned accuracy" in capsys.readouterr().err


def test_table_becomes_arrays(config_file, tmp_path, faked):
    out = tmp_path / "out"
    config = config_file()
    assert run("bench", "run", config, "--out", out) == 0
    assert run("bench", "collect", config, "--out", out) == 0
    results, scores, facts = matrix(read_parquet(out / "table.parquet"), 4, "first")
    assert results.models == ("first", "second")
    np.testing.assert_allclose(results.accuracy[:, 0], [[0.5, 0.6], [0.55, 0.65]])
    np.testing.assert_allclose(scores["predicted_accuracy (zero, shot)"][:, 0], [[0.6, 0.7], [0.65, 0.75]])
    assert np.isnan(scores["logme"][1]).all()
    assert np.isfinite(scores["logme"][0]).all()
    assert scores.keys() <= columns(read_parquet(out / "table.parquet")).keys()
    assert facts["n_params"].tolist() == [100, 100]
    with pytest.raises(InputError, match="reference"):
        matrix(read_parquet(out / "table.parquet"), 4, "third")


def test_a_score_without_any_value_is_named_and_has_no_row(config_file, tmp_path, faked):
    out, config = tmp_path / "out", config_file()
    assert run("bench", "run", config, "--out", out) == 0
    assert run("bench", "collect", config, "--out", out) == 0
    path = out / "table.parquet"
    empty = polars.when(polars.col("score") == "logme").then(None).otherwise(polars.col("value")).alias("value")
    table = read_parquet(path).with_columns(empty)
    assert "logme" not in matrix(table, 4, "first")[1]
    assert columns(table)["logme"] == ("logme", None, None)
    table.write_parquet(path)
    assert run("bench", "report", config, "--out", out, "--table", path) == 0
    text = (out / "report" / "report.md").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("Without a value here")]
    assert line.endswith(": logme."), line
    assert "| logme |" not in text


def test_a_score_that_is_not_computed_everywhere_is_left_out_of_that_draw_and_named(config_file, tmp_path, faked):
    out, config = tmp_path / "out", config_file()
    assert run("bench", "run", config, "--out", out) == 0
    assert run("bench", "collect", config, "--out", out) == 0
    path = out / "table.parquet"
    whole = read_parquet(path)
    assert not unfinished(whole, 4, ("first", "second"), whole["task"].unique().to_list())
    late = (polars.col("score") == "predicted_loss") & (polars.col("seed") == 0) & (polars.col("model") == "first")
    table = whole.filter(~late.fill_null(False))
    table.write_parquet(path)
    labels = [label for label, column in columns(table).items() if column.score == "predicted_loss"]
    before, after = matrix(whole, 4, "first")[1], matrix(table, 4, "first")[1]
    for label in before:
        lost = np.isnan(after[label]) & np.isfinite(before[label])
        assert lost.any(axis=(1, 2)).tolist() == [label in labels, False], label
        assert lost[0].all() == (label in labels), "the other model's value of that draw goes too"
    assert run("bench", "report", config, "--out", out, "--table", path) == 0
    text = (out / "report" / "report.md").read_text()
    assert f"(1 of draw 0 missing): {', '.join(labels)}." in text


def test_a_failing_cell_is_kept_with_its_reason_and_the_others_are_done(config_file, tmp_path, monkeypatch, capsys):
    import lin_ft.benchmark.work

    def work(cell, config, model, draws):
        if cell.part == "finetune" and cell.seed == 1 and cell.model == "second":
            raise FloatingPointError("the moon is full")
        return fake_work(cell, config, model, draws)

    monkeypatch.setattr(lin_ft.benchmark.work, "work", work)
    out = tmp_path / "out"
    assert run("bench", "run", config_file(), "--out", out) == 2
    assert "1 of 8 cells are not finished" in capsys.readouterr().err
    assert run("bench", "status", config_file(), "--out", out) == 0
    shown = capsys.readouterr().out
    assert "7 of 8 cells finished (1 failed)" in shown
    assert "FloatingPointError: the moon is full" in shown
    monkeypatch.setattr(lin_ft.benchmark.work, "work", fake_work)
    assert run("bench", "run", config_file(), "--out", out) == 0


def test_divergence_is_a_result_without_an_accuracy(config_file, tmp_path, zoo):
    from lin_ft.benchmark.work import work

    config = load_config(config_file(rates="1e30"))
    models, cells = resolve(config)
    cell = next(cell for cell in cells if cell.part == "finetune")
    values = work(cell, config, models[0], Draws())
    assert (values["status"], values["test_accuracy"]) == ("diverged", None)
    assert "1e+30" in values["reason"]
    store = Store(tmp_path / "out")
    store.write(cell, values)
    store.refresh()
    assert store.state(cell) == "diverged"


KILLED = """
import sys, time
from pathlib import Path
import lin_ft.benchmark.work
from lin_ft.benchmark.config import load_config
from lin_ft.benchmark.executors import Job, work_through
sys.path.insert(0, {tests!r})
from test_run import fake_work
def slow(cell, config, model, draws):
    print("at work", flush=True)
    time.sleep({seconds})
    return fake_work(cell, config, model, draws)
lin_ft.benchmark.work.work = slow
work_through(Job(load_config({config!r}), Path({out!r})), poll=0.1)
"""


def test_a_worker_killed_with_9_loses_nothing_and_another_takes_its_cell(config_file, tmp_path):
    out = tmp_path / "out"
    config = config_file()

    def worker(seconds):
        places = {"tests": str(Path(__file__).parent), "config": str(config), "out": str(out), "seconds": seconds}
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
        command = [sys.executable, "-c", KILLED.format(**places)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)

    stuck = worker(600)
    assert stuck.stdout is not None
    assert stuck.stdout.readline().strip() == "at work"
    helper = worker(0.01)
    store, (_, cells) = Store(out), resolve(load_config(config))
    deadline = time.monotonic() + 120
    while sum(not store.missing(cell) for cell in cells) < 7 and time.monotonic() < deadline:
        time.sleep(0.2)
        store.refresh()
    assert sorted(store.state(cell) for cell in cells) == ["done"] * 7 + ["running"]
    stuck.send_signal(signal.SIGKILL)
    stuck.wait()
    helper.communicate(timeout=60)
    stuck.stdout.close()
    assert helper.returncode == 0
    store.refresh()
    assert {store.state(cell) for cell in cells} == {"done"}
    assert not list((out / "claims").iterdir())
    assert not [path for path in out.rglob("*.tmp")]


def test_several_workers_share_the_cells(config_file, tmp_path, monkeypatch):
    """Real processes, but nothing left to do in them."""
    config = load_config(config_file())
    _, cells = resolve(config)
    store = Store(tmp_path / "out")
    for cell in cells:
        store.write(cell, fake_work(cell, config, None, store.draws))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    executors.local(Job(config, store.folder), 2)


def test_everything_missing_is_listed_at_once_and_nothing_runs(zoo, tmp_path, capsys):
    path = tmp_path / "config.py"
    path.write_text(
        "from lin_ft.benchmark.config import BenchConfig\n"
        f"config = BenchConfig(name='bad', zoo={str(zoo)!r}, tasks=('no_task', 'optdigits', 'nor_this'),"
        " models=('first', 'third', 'fourth'), heads=('round',), scores=('luck',))\n"
    )
    assert run("bench", "run", path, "--out", tmp_path / "out") == 2
    error = capsys.readouterr().err
    for word in ("third", "fourth", "no_task", "nor_this", "round", "luck", "cifar10-resnet20"):
        assert word in error
    assert "optdigits" not in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("config = 3", "defines no `config`"),
        ("1 / 0", "ZeroDivisionError"),
        (
            "from lin_ft.benchmark.config import BenchConfig\nconfig = BenchConfig(name='', tasks=())",
            "name is empty; tasks",
        ),
        (
            "from lin_ft.benchmark.config import BenchConfig\nconfig = BenchConfig('a', ('t', 't'), shots=(-1,))",
            "t comes twice; shots: -1",
        ),
        (
            "from lin_ft.benchmark.config import BenchConfig\nconfig = BenchConfig('a', ('t',), left_out=('all',))",
            "left_out: all is neither image nor shot",
        ),
    ],
)
def test_bad_configs(tmp_path, capsys, text, message):
    path = tmp_path / "config.py"
    path.write_text(text)
    assert run("bench", "plan", path) == 2
    assert message in capsys.readouterr().err
    assert run("bench", "plan", tmp_path / "none.py") == 2


@pytest.mark.parametrize("option", [("--workers", "0"), ("--executor", "magic")])
def test_bad_options(config_file, capsys, option):
    assert run("bench", "run", config_file(), *option) == 2
    assert option[0] in capsys.readouterr().err


def test_nothing_to_collect_or_report(config_file, tmp_path, capsys):
    assert run("bench", "collect", config_file(), "--out", tmp_path / "out") == 2
    assert "no finished cell" in capsys.readouterr().err
    (tmp_path / "x.parquet").write_text("no")
    assert run("bench", "report", config_file(), "--table", tmp_path / "x.parquet") == 2
    assert "not a readable Parquet file" in capsys.readouterr().err


def test_shipped_configs_can_be_planned():
    for path in sorted((ROOT / "configs").glob("bench_*.py")):
        config = load_config(path)
        assert isinstance(config, BenchConfig)
        resolve_planned(config)


def test_what_is_planned_is_counted_and_does_not_run(capsys):
    assert run("bench", "plan", ROOT / "configs" / "bench_paper.py", "--tflops", 100) == 0
    printed = capsys.readouterr().out
    assert "30 models x 11 tasks x 4 shots x 2 seeds" in printed
    assert "scores: 2640 cells" in printed
    assert "hours at 100 TFLOP/s" in printed
    assert run("bench", "run", ROOT / "configs" / "bench_paper.py") == 2
    assert "no task oxford_flowers102" in capsys.readouterr().err


def test_flops_of_a_planned_cell_by_hand():
    """1 model x 1 task x 1 seed: 3 passes x 4 steps x 8 images x 2 pairs, 2 x 2 validation and 5 test images."""
    config = BenchConfig(
        "a", ("t",), models=("m",), reference="m", shots=(4,), seeds=(0,), zoo="none", max_test=5,
        finetune=FinetuneConfig(steps=4, batch_size=8, learning_rates=(0.1, 0.2)),
        planned_models=(PlannedModel("m", 2.0),), planned_tasks=(PlannedTask("t", 30, 9, 2),),
    )  # fmt: skip
    models, cells = resolve_planned(config)
    result = plan(config, models, cells, Store(Path("/nowhere")))
    assert result.flops == 2e9 * (3 * 4 * 8 * 2 + 2 * 2 * 2 + 5)
    assert result.image_bytes == 3 * 224**2 * 39
    whole = dataclasses.replace(config, shots=(0,), finetune=dataclasses.replace(config.finetune, epochs=2))
    assert plan(whole, models, cells, Store(Path("/nowhere"))).flops == 2e9 * (3 * 7 * 8 * 2 + 3 * 2 + 5)


def test_the_data_path_of_the_paper_at_224_pixels(tmp_path, monkeypatch):
    """A store under an official TFDS name, all training images but a tenth."""
    from lin_ft.data.store import png, write_store

    monkeypatch.setenv("LIN_FT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "tfds"))
    rng = np.random.default_rng(0)

    def rows(n):
        for index in range(n):
            yield {"image": png(rng.integers(0, 255, (40, 60, 3)).astype(np.uint8)), "label": index % 2}

    def features(tfds):
        label = tfds.features.ClassLabel(names=["a", "b"])
        return {"image": tfds.features.Image(shape=(None, None, 3)), "label": label}

    write_store(tmp_path / "tfds", "cassava", "0.1.0", features, {"train": rows(40), "test": rows(6)}, 46)
    task = Draws().task("cassava", 0, 0, 224, 10)
    assert (task.shots, task.n, len(task.validation), len(task.test)) == (0, 36, 4, 6)
    assert task.train.images.shape == (36, 224, 224, 3)
    config = dataclasses.replace(
        load_config(ROOT / "configs" / "bench_paper.py"), tasks=("cassava", "no_such"), planned_tasks=()
    )
    with pytest.raises(InputError, match="no task no_such") as error:
        resolve_planned(config)
    assert "no task cassava" not in str(error.value)


def test_scores_that_need_source_images_have_a_value_where_they_are_asked_for(zoo, photos):
    from lin_ft.benchmark import work

    config = BenchConfig(
        name="sources", zoo=str(zoo), tasks=(str(photos),), shots=(4,), reference="first",
        scores=("frechet_distance", "logme"),
    )  # fmt: skip
    for chosen in (config, dataclasses.replace(config, source_shots=2)):
        models, cells = resolve(chosen)
        card = dataclasses.replace(models[0].card, source=str(photos))
        cell = dataclasses.replace(cells[0], source=str(photos))
        values = work.work(cell, chosen, dataclasses.replace(models[0], card=card), Draws())
        rows = {each.score: row for each, row in values["scores"].items()}
        assert np.isfinite(rows["logme"]["value"])
        assert ("source" in values["made_of"]) == bool(chosen.source_shots)
        if chosen.source_shots:
            assert np.isfinite(rows["frechet_distance"]["value"])
        else:
            assert rows["frechet_distance"]["value"] is None
            assert rows["frechet_distance"]["reason"] == "needs source features"


def test_an_image_size_of_its_own_makes_other_cells(zoo, photos, monkeypatch):
    from lin_ft.benchmark import work
    from lin_ft.benchmark.check import resolve

    config = BenchConfig(name="sizes", zoo=str(zoo), tasks=(str(photos),), shots=(4,), reference="first", scores=())
    larger = dataclasses.replace(config, image_size=48)
    models, cells = resolve(config)
    _, others = resolve(larger)
    assert not {cell.place for cell in cells} & {cell.place for cell in others}
    seen = []
    monkeypatch.setattr(work, "_finetune", lambda cell, config, model, task: seen.append(task.train.images.shape) or {})
    for chosen, cell in ((config, cells[-1]), (larger, others[-1])):
        work.work(cell, chosen, models[0], Draws())
    assert [shape[1:] for shape in seen] == [(32, 32, 3), (48, 48, 3)]
    with pytest.raises(InputError, match="image_size: -1 is below 0"):
        dataclasses.replace(config, image_size=-1)
