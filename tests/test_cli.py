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
    assert run("rank", "--target", photos, "--shots", 4, "--zoo", zoo, "--json", "r.json", "--curve") == 0
    shown = capsys.readouterr().out
    assert "first" in shown
    assert "% with 32" in " ".join(shown.split())
    values = json.loads((tmp_path / "r.json").read_text())
    assert [row["rank"] for row in values["models"]] == [1, 2]
    assert values["n"] == 8
    assert values["score"] == "gain"
    assert [point["n"] for point in values["curve"]["points"]] == [2, 4, 8, 16, 32]
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
    assert all("measured_gain_in_interval" in row for row in values["models"])


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
    assert "no past task is known" in " ".join(capsys.readouterr().out.split())
    assert run("zoo", "info", "cifar10-resnet20") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "points over the mean of its zoo, on clip_art" in shown
    assert "running averages of the source in" in shown
    assert "resnet20" in shown
    assert run("data", "list") == 0
    assert "optdigits" in capsys.readouterr().out
    assert run("data", "info", "optdigits") == 0
    assert run("data", "show", photos, "--out", tmp_path / "sheet.png") == 0
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size[0] > 100


def test_the_target_has_a_place_of_its_own_and_old_command_lines_go_on_working(zoo, photos, tmp_path, monkeypatch):
    from lin_ft.cli import _positional

    assert _positional(["rank", "--models", "a", "b", "--target", "x", "--seed", "1"]) == [
        "rank", "x", "--models", "a", "b", "--seed", "1",
    ]  # fmt: skip
    assert _positional(["finetune", "--target=x", "--model", "a"]) == ["finetune", "x", "--model", "a"]
    folder = str(photos)
    assert _positional(["rank", "--models", "a", "b", folder]) == ["rank", folder, "--models", "a", "b"]
    for words in (["--models", folder], ["--report", "a", folder], [folder, "--models", "a", folder]):
        assert _positional(["rank", *words]) == ["rank", *words]
    assert _positional(["data", "info", "--target"]) == ["data", "info", "--target"]
    monkeypatch.chdir(tmp_path)
    common = ("--shots", 4, "--zoo", zoo, "--set", "probes=1", "--json")
    assert run("rank", photos, *common, "new.json") == run("rank", *common, "old.json", "--target", photos) == 0
    new, old = (json.loads((tmp_path / name).read_text()) for name in ("new.json", "old.json"))
    for values in (new, old):
        for row in values["models"]:
            del row["seconds"]
    assert new == old


def test_the_reference_stays_in_and_what_is_not_wanted_stays_out(zoo):
    from lin_ft.commands.zoo_of_name import chosen_zoo, reference_of

    def names(*arguments):
        return [model.name for model in chosen_zoo("embedded", *arguments)]

    assert names(("mnist_10k",), (), "") == ["cifar10-resnet20", "mnist_10k-resnet20"]
    assert names(("mnist_10k", "cifar10"), (), "") == ["mnist_10k-resnet20", "cifar10-resnet20"]
    assert names(("mnist_10k",), (), "pendigits") == ["pendigits-resnet20", "mnist_10k-resnet20"]
    assert names(("mnist_10k",)) == ["mnist_10k-resnet20"], "the one model of finetune"
    assert "cifar10-resnet20" not in names((), ("cifar10",), "")
    assert reference_of(chosen_zoo(zoo, ()), "second") == "second"


def test_a_model_is_found_in_the_zoo_that_has_it(tmp_path, monkeypatch, capsys):
    from lin_ft.commands.zoo_of_name import zoo_with

    monkeypatch.setenv("LIN_FT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LIN_FT_ZOO", str(tmp_path / "own"))
    (tmp_path / "own").mkdir()
    random_model(tmp_path / "own", "mine", 0)
    assert zoo_with(("cifar10",)) == "embedded"
    assert zoo_with(("cifar10-shared",)) == "multi_domain"
    assert zoo_with(("mine",)) == "user"
    assert run("finetune", "optdigits", "--model", "imagenet_mobilenet_v2") == 2
    assert "lin-ft zoo fetch packaged" in one_sentence(capsys)
    assert run("finetune", "optdigits", "--model", "alexnet") == 2
    assert "model 'alexnet': unknown" in one_sentence(capsys)


def test_folder_names_are_no_markup(zoo, photos, tmp_path, monkeypatch, capsys):
    (tmp_path / "[red]$x").symlink_to(photos)
    monkeypatch.chdir(tmp_path)
    arguments = ("[red]$x", "--shots", 4, "--zoo", zoo)
    assert run("rank", *arguments, "--set", "probes=1", "--report", "page") == 0
    assert "[red]$x: 8 training images" in capsys.readouterr().out
    assert run("finetune", *arguments, "--model", "first", "--steps", 2, "--learning-rates", 0.01) == 0
    assert "first on [red]$x: test accuracy" in " ".join(capsys.readouterr().out.split())
    assert run("spectrum", *arguments, "--model", "first", "--probes", 1) == 0
    assert "[red]$x: 8 images" in capsys.readouterr().out


def test_a_model_that_fails_inside_a_zoo_is_named_with_what_helps_and_the_others_are_kept(
    photos, tmp_path, monkeypatch, capsys
):
    folder = tmp_path / "zoo"
    folder.mkdir()
    for seed, name in enumerate(("first", "second")):
        random_model(folder, name, seed)
    weights = folder / "second.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    monkeypatch.chdir(tmp_path)
    arguments = ("rank", photos, "--shots", 4, "--zoo", folder, "--set", "probes=1", "--json", "r.json")
    assert run(*arguments) == 2
    shown = capsys.readouterr()
    for word in ("1 of 2 models could not be ranked", "model 'second'", "--without second"):
        assert word in shown.err
    assert "first" in shown.out
    values = json.loads((tmp_path / "r.json").read_text())
    assert [row["name"] for row in values["models"]] == ["first"]
    assert [row["name"] for row in values["failed"]] == ["second"]
    assert run(*arguments, "--without", "second") == 0


def pictures(folder, side):
    for label in "ab":
        for index in range(2):
            (folder / label).mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (side + 5, side), "red").save(folder / label / f"{index}.png")
    return str(folder)


def test_the_zoo_is_chosen_for_the_pictures_and_said_in_one_line(tmp_path, monkeypatch, caplog):
    from lin_ft.commands.zoo_of_name import zoo_for
    from lin_ft.errors import InputError

    monkeypatch.setenv("LIN_FT_CACHE", str(tmp_path / "cache"))
    small, large = pictures(tmp_path / "small", 28), pictures(tmp_path / "large", 300)
    np.savez(tmp_path / "a.npz", train_images=np.zeros((3, 80, 90, 3), np.uint8), train_labels=np.arange(3))
    there, asked = tmp_path / "cache" / "zoo", []

    def fetch(progress):
        asked.append(progress)
        if len(asked) > 1:
            there.mkdir(parents=True)
            return {"one": None, "two": InputError("no way.")}
        return {"one": InputError("no network."), "two": InputError("no network.")}

    monkeypatch.setattr("lin_ft.zoo.packaged.fetch_packaged", fetch)
    caplog.set_level("INFO")
    assert zoo_for(str(tmp_path / "none")) == "embedded"
    assert caplog.text == "", "there is nothing to say: loading the target says that it is missing"
    for target, zoo, words in (
        (small, "embedded", ("embedded", "about 28 pixels")),
        (large, "embedded", ("could not be fetched (no network)", "about 300 pixels", "--zoo")),
        (large, "packaged", ("packaged, without two", "about 300 pixels")),
        (str(tmp_path / "a.npz"), "packaged", ("packaged, backbones", "about 80 pixels")),
    ):
        caplog.clear()
        assert zoo_for(target) == zoo
        assert len(caplog.records) == 1
        assert all(word in caplog.text for word in words), caplog.text
    assert len(asked) == 2, "fetched on first use only"


def test_version_doctor_and_cache(tmp_path, monkeypatch, capsys):
    import lin_ft

    monkeypatch.setenv("LIN_FT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LIN_FT_ZOO", str(tmp_path / "own"))
    monkeypatch.setenv("COLUMNS", "200")
    assert run("--version") == 0
    assert capsys.readouterr().out == f"lin-ft {lin_ft.__version__}\n"
    assert run("cache", "show") == 0
    assert "empty" in capsys.readouterr().out
    for part in ("arrays/x", "features", "tfds/y"):
        (tmp_path / "cache" / part).mkdir(parents=True)
        (tmp_path / "cache" / part / "file").write_bytes(bytes(2_000_000))
    assert run("doctor") == 0
    shown = capsys.readouterr().out
    for word in ("jax 0", "cpu", "6.0 MB", "$LIN_FT_CACHE", str(tmp_path / "own"), "tfds", "0 of"):
        assert word in shown
    assert run("cache", "clear", "--only", "nothing") == 2
    assert run("cache", "clear") == 0
    assert "2 parts removed, 4.0 MB. Kept: tfds" in capsys.readouterr().out
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["tfds"]
    assert run("cache", "clear", "--fetched") == 0
    assert not list((tmp_path / "cache").iterdir())


def test_completion_of_the_shell_knows_the_commands(capsys):
    with pytest.raises(SystemExit) as stop:
        run("--tyro-print-completion", "bash")
    assert not stop.value.code
    shown = capsys.readouterr().out
    assert "doctor" in shown
    assert "--learning-rates" in shown


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
