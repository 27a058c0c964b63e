"""Cells of the format before records are taken over with their meaning, or refused by reason; nothing is lost."""

import hashlib
import json

import numpy as np
import pytest
from test_run import faked, polars, run  # noqa: F401

from lin_ft.benchmark.check import resolve
from lin_ft.benchmark.collect import finetuned, read_parquet
from lin_ft.benchmark.config import load_config
from lin_ft.benchmark.packed import read_packed
from lin_ft.data import load_task

SCORES = {
    "predicted_accuracy/random": 0.5, "predicted_accuracy/random-shot": 0.25, "predicted_accuracy/zero": 0.75,
    "predicted_accuracy/zero-shot": 0.125, "predicted_loss/random": -0.5, "predicted_loss/random-shot": -0.25,
    "predicted_loss/zero": -0.75, "predicted_loss/zero-shot": -0.125, "label_gradient/random": 0.3,
    "label_gradient/zero": 0.2, "label_feature_correlation": 0.2, "h_score": 0.1, "logme": -0.1, "etran": None,
    "rsa": None, "nearest_neighbours": 0.4, "of_old": 1.0,
}  # fmt: skip
MADE = {
    "seconds": 7.5, "peak_memory_mb": 900.0, "commit": "abc", "versions": {"python": "3.11"}, "device": "cpu",
    "source": "s", "domain": "d", "architecture": "resnet20", "family": "single", "n_params": 9,
    "source_test_accuracy": 0.5, "status": "done", "task_name": "t",
}  # fmt: skip


def older_cell(part, model, task, seed, settings, values):
    """The text of a cell as the older format had it."""
    settings = {name: json.dumps(value) for name, value in settings.items()}
    fields = [part, model, task, 4, seed, sorted(map(list, settings.items()))]
    key = hashlib.sha256(json.dumps([1, fields], sort_keys=True).encode()).hexdigest()[:16]
    cell = dict(zip(("part", "model", "task", "shots", "seed"), fields, strict=False))
    cell |= {"settings": settings, "key": key, **MADE, **values}
    seal = hashlib.sha256(json.dumps(cell, sort_keys=True).encode()).hexdigest()[:16]
    return key, json.dumps({**cell, "digest": seal}, indent=1) + "\n"


@pytest.fixture
def older(config_file, tmp_path):
    """(config, a folder of older cells of every model and draw)"""
    path = config_file()
    text = path.read_text().replace('left_out=("image", "shot")', 'left_out=("image",)')
    path.write_text(text.replace('scores=("logme", "etran")', 'scores=("h_score", "etran")'))
    config = load_config(path)
    models, cells = resolve(config)
    tuning = {
        name: json.loads(text) for name, text in next(c for c in cells if c.part == "finetune").wanted[0].settings
    }
    folder = tmp_path / "old"
    folder.mkdir()
    for model in models:
        weights = {"weights": model.weights_digest}
        for seed in config.seeds:
            task = load_task(config.tasks[0], shots=4, seed=seed)
            facts = {"n": task.n, "n_classes": task.n_classes, "n_test": len(task.test)}
            correct = "".join("10"[i % 2] for i in range(len(task.test)))
            tuned = {
                "test_accuracy": 0.5, "learning_rate": 0.01, "test_accuracy_interval": [0.25, 0.75],
                "weight_decay": 1e-4, "validation_accuracy": {"0.01": 0.75}, "curve": [1.0, 0.5], "grid": [],
                "correct": correct,
            }  # fmt: skip
            scoring = {
                "heads": ["random", "zero"],
                "left_out": ["image", "shot"],
                "probes": 2,
                "scores": sorted(SCORES),
            }
            scored = {"scores": SCORES, "score_parts": {"etran": [0.5, float(seed)]}, "no_score": {"rsa": "needs more"}}
            scored |= {"score_seconds": {"h_score": 0.125, "random": 2.0, "random-shot": 3.0}}
            for part, settings, values in (("finetune", tuning, tuned), ("scores", scoring, scored)):
                key, text = older_cell(part, model.name, config.tasks[0], seed, settings | weights, values | facts)
                (folder / f"{part}-{key}.json").write_text(text)
    return path, folder


def test_their_meaning_stays(older, tmp_path, capsys):
    config, folder = older
    out = tmp_path / "out"
    names = sorted(path.name for path in folder.iterdir())
    assert run("bench", "pack", config, "--out", out, "--from", folder) == 0
    shown = capsys.readouterr().out
    assert "finetune.jsonl.gz: 4 records (4 new)" in shown
    assert "left out: of_old of 4 cells, a score there is no longer" in shown
    assert sorted(path.name for path in folder.iterdir()) == names, "the folder is left as it is"
    entry = read_packed(out / "finetune.jsonl.gz")[0]
    assert entry["balanced_accuracy"] == pytest.approx(0.5, abs=0.11)
    assert {name: entry[name] for name in MADE} == MADE
    assert entry["settings"]["learning_rates"] == [0.01]
    table = read_parquet(out / "table.parquet")
    assert finetuned(table)["test_accuracy_low"].to_list() == [0.25] * 4
    assert finetuned(table)["validation_accuracy"].to_list() == [0.75] * 4
    rows = table.filter((polars.col("part") == "scores") & (polars.col("model") == "first") & (polars.col("seed") == 0))
    values = {(row["score"], row["head"], row["left_out"]): row for row in rows.iter_rows(named=True)}
    assert values["predicted_accuracy", "zero", "image"]["value"] == 0.75
    assert values["predicted_loss", "random", "image"]["seconds"] == 2.0
    assert values["h_score", None, None]["seconds"] == 0.125
    assert values["h_score", None, None]["work_seconds"] == 7.5
    assert np.isfinite(values["etran", None, None]["value"])


def test_what_was_measured_is_not_computed_again(older, tmp_path, faked, capsys):  # noqa: F811
    config, folder = older
    out = tmp_path / "out"
    assert run("bench", "pack", config, "--out", out, "--from", folder) == 0
    assert run("bench", "run", config, "--out", out) == 0
    assert not faked
    config.write_text(
        config.read_text().replace('scores=("h_score", "etran")', 'scores=("label_gradient_cka", "leep")')
    )
    assert run("bench", "run", config, "--out", out) == 0
    assert {tuple(each.score for each in cell.wanted) for cell in faked} == {("leep",)}, "an old name is its new one"


def test_what_is_computed_otherwise_now_counts_as_it_was_computed_then(older, tmp_path, faked, capsys):  # noqa: F811
    """Shots were left out in one matching, LogME had its first revision: both are kept, and asked for anew."""
    config, folder = older
    out = tmp_path / "out"
    text = config.read_text().replace('left_out=("image",)', 'left_out=("image", "shot")')
    config.write_text(text.replace('scores=("h_score", "etran")', 'scores=("logme",)'))
    assert run("bench", "pack", config, "--out", out, "--from", folder) == 0
    entries = read_packed(out / "scores.jsonl.gz")
    rows = [(name, row) for entry in entries for name, of_name in entry["scores"].items() for row in of_name]
    kept = {(name, *row.get("settings", {})) for name, row in rows}
    assert {("predicted_loss",), ("logme",)} <= kept
    assert run("bench", "run", config, "--out", out) == 0
    asked = {each.identity for cell in faked for each in cell.wanted}
    shot = {(name, head, "shot") for name in ("predicted_accuracy", "predicted_loss") for head in ("random", "zero")}
    assert asked == shot | {("logme", None, None)}


def test_prune_looks_at_what_was_just_taken_over(older, tmp_path, capsys):
    config, folder = older
    out = tmp_path / "out"
    assert run("bench", "pack", config, "--out", out, "--from", folder, "--prune") == 0
    shown = capsys.readouterr().out
    assert "finetune.jsonl.gz: 4 records (4 new)" in shown
    kept = {name for entry in read_packed(out / "scores.jsonl.gz") for name in entry["scores"]}
    assert kept == {"predicted_accuracy", "predicted_loss", "h_score", "etran"}


def test_a_growing_folder_is_taken_again_and_again(older, tmp_path, faked, capsys):  # noqa: F811
    config, folder = older
    growing, out = tmp_path / "growing", tmp_path / "out"
    growing.mkdir()
    for path in sorted(folder.iterdir()):
        (growing / path.name).write_text(path.read_text())
        assert run("bench", "pack", config, "--out", out, "--from", growing) == 0
    whole = tmp_path / "whole"
    assert run("bench", "pack", config, "--out", whole, "--from", folder) == 0
    for name in ("finetune.jsonl.gz", "scores.jsonl.gz"):
        assert (out / name).read_bytes() == (whole / name).read_bytes()


def test_in_the_benchmarks_own_folder_they_stop_everything_until_they_are_packed(older, tmp_path, faked, capsys):  # noqa: F811
    config, folder = older
    out = tmp_path / "out"
    (out).mkdir()
    folder.rename(out / "cells")
    for command in ("run", "status", "collect"):
        assert run("bench", command, config, "--out", out) == 2
        assert "a cell of an older format; take over what is finished by `lin-ft bench pack" in capsys.readouterr().err
    assert run("bench", "pack", config, "--out", out) == 0
    assert not list((out / "cells").iterdir())
    assert run("bench", "run", config, "--out", out) == 0
    assert not faked


def test_what_does_not_hold_any_more_is_refused_by_reason_and_kept(older, tmp_path, zoo, capsys):
    config, folder = older
    out = tmp_path / "out"
    paths = sorted(folder.glob("finetune-*.json"))
    for path, change in zip(
        paths, ({"model": "third"}, {"n_test": 9}, {"seconds": 1.0}, {"weights": "x"}), strict=True
    ):
        cell = json.loads(path.read_text())
        settings = {name: json.loads(text) for name, text in cell.pop("settings").items()}
        settings |= {name: change[name] for name in ("weights",) if name in change}
        place = {name: {**cell, **change}[name] for name in ("part", "model", "task", "seed")}
        values = {k: v for k, v in {**cell, **change}.items() if k not in {*place, "key", "digest", "shots", "weights"}}
        _, text = older_cell(*place.values(), settings, values)
        path.write_text(text.replace('"seconds": 1.0', '"seconds": 2.0'))
    (out).mkdir()
    folder.rename(out / "cells")
    assert run("bench", "pack", config, "--out", out) == 0
    shown = capsys.readouterr().out
    assert "not taken, 1 cell: of third, which this configuration does not have" in shown
    assert "not taken, 1 cell: of another draw" in shown
    assert "not taken, 1 cell: of other weights than the zoo has now" in shown
    assert f"damaged, to be computed again: {paths[2].name}" in shown
    kept = sorted(path.name for path in (out / "cells").iterdir())
    assert kept == sorted([paths[2].name, *(paths[i].with_suffix(".older").name for i in (0, 1, 3))])


def test_no_such_folder_and_none_in_it(config_file, tmp_path, capsys):
    assert run("bench", "pack", config_file(), "--out", tmp_path / "out", "--from", tmp_path / "none") == 2
    assert "no such folder" in capsys.readouterr().err
    assert run("bench", "pack", config_file(), "--out", tmp_path / "out", "--from", tmp_path) == 2
    assert "no cell of the older format there" in capsys.readouterr().err
