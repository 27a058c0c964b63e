"""The command as a user meets it: what it prints and writes, its exit codes, one sentence for bad input."""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny import images, random_model

from lin_ft import cli


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    for seed, name in enumerate(("first", "second")):
        random_model(folder, name, seed)
    return str(folder)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """A user's folder: train and test, two classes."""
    folder = tmp_path_factory.mktemp("photos")
    for split, n in (("train", 8), ("test", 5)):
        data = images(n, np.random.default_rng(len(split)))
        for index, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
            path = folder / split / data.class_names[label] / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path)
    return folder


def run(*arguments) -> int:
    return cli.main([str(argument) for argument in arguments])


def test_rank_writes_the_ranking_and_its_picture(zoo, photos, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run("rank", "--target", photos, "--shots", 4, "--zoo", zoo, "--json", "r.json") == 0
    assert "first" in capsys.readouterr().out
    values = json.loads((tmp_path / "r.json").read_text())
    assert [row["rank"] for row in values["models"]] == [1, 2]
    assert values["n"] == 8
    assert (tmp_path / f"ranking-{photos.name}.png").stat().st_size > 1000


def test_spectrum_of_several_models(zoo, photos, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = ("spectrum", "--target", photos, "--shots", 4, "--zoo", zoo, "--model", "first", "second")
    assert run(*arguments, "--json", "s.json") == 0
    assert "alignment" in " ".join(capsys.readouterr().out.split())
    entries = json.loads((tmp_path / "s.json").read_text())
    assert [entry["model"] for entry in entries] == ["first", "second"]
    assert sum(entries[0]["label_energy"]) == pytest.approx(1)
    assert (tmp_path / "spectrum.png").stat().st_size > 10_000


def test_verify_fine_tunes_the_first_and_the_last_and_keeps_what_was_written(
    zoo, photos, tmp_path, monkeypatch, capsys
):
    from lin_ft.finetune import FinetuneConfig

    monkeypatch.chdir(tmp_path)
    quick = FinetuneConfig(steps=2, batch_size=8, learning_rates=(0.01,))
    monkeypatch.setattr(importlib.import_module("lin_ft.finetune.finetune"), "FinetuneConfig", lambda: quick)
    assert run("rank", "--target", photos, "--shots", 4, "--zoo", zoo, "--json", "r.json", "--verify", 2) == 0
    assert "in the predicted order" in " ".join(capsys.readouterr().out.split())
    values = json.loads((tmp_path / "r.json").read_text())
    assert all("measured_accuracy" in row for row in values["models"])


def test_finetune_reports_accuracy_with_an_interval(zoo, photos, tmp_path, capsys):
    arguments = ["--model", "first", "--target", photos, "--shots", 4, "--zoo", zoo, "--steps", 2]
    assert run("finetune", *arguments, "--json", tmp_path / "f.json") == 0
    assert "test accuracy" in capsys.readouterr().out
    low, high = json.loads((tmp_path / "f.json").read_text())["test_accuracy_interval"]
    assert 0 <= low <= high <= 1


def test_finetune_variants_and_checkpoints(zoo, photos, tmp_path, capsys):
    arguments = [
        "--model",
        "first",
        "--target",
        photos,
        "--shots",
        4,
        "--zoo",
        zoo,
        "--steps",
        2,
        "--trainable",
        "head",
    ]
    arguments += ["--optimizer", "adamw", "--weight-decays", "0", "0.1", "--learning-rates", "0.01"]
    arguments += ["--evaluate-every", 1, "--patience", 5, "--checkpoint", tmp_path / "c", "--checkpoint-every", 1]
    assert run("finetune", *arguments, "--json", tmp_path / "f.json") == 0
    assert "weight decay" in " ".join(capsys.readouterr().out.split())
    first = json.loads((tmp_path / "f.json").read_text())
    assert [point["weight_decay"] for point in first["grid"]] == [0, 0.1]
    assert [step for step, _, _ in first["grid"][0]["validation_curve"]] == [1, 2]
    assert run("finetune", *arguments, "--json", tmp_path / "again.json") == 0
    assert json.loads((tmp_path / "again.json").read_text())["grid"] == first["grid"], "from the checkpoint"
    assert run("finetune", *arguments, "--seed", 1) == 2
    assert "another fine-tuning" in capsys.readouterr().err


def test_zoo_and_data_can_be_looked_at(zoo, photos, tmp_path, capsys):
    assert run("zoo", "list", "--zoo", zoo) == 0
    assert "first" in capsys.readouterr().out
    assert run("zoo", "info", "first", "--zoo", zoo) == 0
    assert "resnet20" in capsys.readouterr().out
    assert run("data", "list") == 0
    assert "optdigits" in capsys.readouterr().out
    assert run("data", "info", "optdigits") == 0
    assert run("data", "show", photos, "--out", tmp_path / "sheet.png") == 0
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size[0] > 100


def one_sentence(capsys) -> str:
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("lin-ft: ")
    return error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rank", "--target", "no_such_task"), "no_such_task"),
        (("rank", "--target", "/no/such/folder"), "/no/such/folder"),
        (("rank", "--target", "{photos}", "--models", "alexnet"), "model 'alexnet': unknown"),
        (("rank", "--target", "{photos}", "--score", "best"), "score 'best': unknown"),
        (("rank", "--target", "{photos}", "--head", "round"), "head 'round'"),
        (("rank", "--target", "{photos}", "--shots", "4", "--trainable", "brain"), "brain"),
        (("rank", "--target", "{photos}", "--shots", "100"), "100"),
        (("rank", "--target", "{photos}", "--shots", "4", "--verify", "-1"), "--verify -1"),
        (("rank", "--target", "{photos}", "--zoo", "/no/such/zoo"), "/no/such/zoo"),
        (("finetune", "--model", "alexnet", "--target", "{photos}"), "model 'alexnet': unknown"),
        (("finetune", "--model", "first", "--target", "{photos}", "--steps", "0"), "steps 0"),
        (("data", "show", "no_such_task"), "no_such_task"),
        (("zoo", "info", "alexnet"), "model 'alexnet': unknown"),
        (("zoo", "train", "no_such_config.py"), "no_such_config.py"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(zoo, photos, capsys, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = [str(photos) if value == "{photos}" else value for value in arguments]
    if arguments[0] != "data" and arguments[1] != "train" and "--zoo" not in arguments:
        arguments += ["--zoo", zoo]
    assert run(*arguments) == 2
    assert message in one_sentence(capsys)
    assert not list(tmp_path.iterdir()), "nothing half done is left"


@pytest.mark.parametrize("arguments", [("rank",), ("rank", "--target", "x", "--colour", "red"), ("paint",)])
def test_unknown_options_end_with_exit_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        run(*arguments)
    assert stop.value.code == 2


def test_damaged_weights_are_named_before_anything_is_written(zoo, photos, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "zoo"
    folder.mkdir()
    random_model(folder, "first")
    weights = folder / "first.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    monkeypatch.chdir(tmp_path)
    assert run("rank", "--target", photos, "--shots", 4, "--zoo", folder) == 2
    assert "first.safetensors" in one_sentence(capsys)


def test_ctrl_c_ends_with_130_and_keeps_the_ranking(zoo, photos, tmp_path):
    # Started in the background by a shell, the tests have interrupts switched off, and children inherit that.
    start = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
    start += "from lin_ft.cli import entry; entry()"
    command = [sys.executable, "-c", start, "rank", "--target", str(photos), "--shots", "4", "--zoo", zoo]
    process = subprocess.Popen(
        [*command, "--json", "r.json", "--verify", "2"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(cli.__file__).parents[1])},
    )
    deadline = time.monotonic() + 300
    while not (tmp_path / "r.json").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.2)
    while process.poll() is None:  # as a user would: an interrupt that falls into a destructor is lost
        process.send_signal(signal.SIGINT)
        time.sleep(2)
    _, error = process.communicate()
    assert process.returncode == 130
    assert error.strip().splitlines()[-1].startswith("lin-ft: interrupted")
    assert len(json.loads((tmp_path / "r.json").read_text())["models"]) == 2


def test_import_is_light():
    """No jax, flax, tfds or matplotlib before they are needed."""
    code = (
        "import sys, lin_ft, lin_ft.cli; print([m for m in ('jax', 'flax', 'matplotlib', 'scipy') if m in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
