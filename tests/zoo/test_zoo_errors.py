"""In a zoo of many models an error names the model it is of and the option that helps; nothing is markup."""

import dataclasses
import json

import numpy as np
import pytest
from small_zoo import small_zoo
from tiny import light_task

from lin_ft import cli
from lin_ft.errors import InputError
from lin_ft.ranking import rank
from lin_ft.zoo import ZooModel, load_zoo


@pytest.fixture
def zoo(tmp_path, monkeypatch):
    return load_zoo(small_zoo(tmp_path / "zoo", monkeypatch))


def entry(zoo, **changes):
    return ZooModel(dataclasses.replace(zoo[0].card, **changes), zoo[0].weights)


def test_a_size_that_one_model_cannot_take_is_said_before_any_work(zoo, monkeypatch):
    vit = entry(zoo, name="my-vit", architecture="vit_small_16", options={})
    dino = entry(zoo, name="my-dino", architecture="dinov2_small_14", options={})
    for model, sides, sentence in (
        (vit, (100, 100), r"model my-vit .* multiples of 16, not 100 x 100: choose --size 96 or 112"),
        (dino, (96, 96), r"model my-dino .* multiples of 14, not 96 x 96: choose --size 84 or 98 \(112 suits"),
        (vit, (16, 16), r"model my-vit .*: choose --size 32 or 48"),
        (entry(zoo, name="my-resnet", architecture="resnet18"), (31, 40), r"my-resnet takes images from 32 pixels on"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=f"{sentence}.*--models"):
            model.normalise(np.zeros((1, *sides, 3), np.uint8))
    vit.check_size(112, 224)
    dino.check_size(112, 224)
    monkeypatch.setattr(type(zoo[0]), "function", property(lambda self: pytest.fail("nothing is computed")))
    task = light_task(shots=2)
    with pytest.raises(InputError, match="model tall"):
        rank([*zoo, entry(zoo, name="tall", architecture="vit_small_16", options={"patch": 24})], task)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"architecture": "resnet9000"}, "model first: architecture 'resnet9000': unknown"),
        ({"architecture": "vit_tiny_16", "options": {"colour": 1}}, "model first: its card does not fit this version"),
        ({"architecture": "vit_tiny_16", "options": {"heads": 5}}, "model first: 5 attention heads do not divide"),
        ({"trunk": "none.safetensors"}, "model first: .*none.safetensors: "),
    ],
)
def test_damaged_entries_are_named(zoo, changes, sentence):
    with pytest.raises(InputError, match=f"{sentence}.*by --models"):
        _ = entry(zoo, **changes).function


def test_cards_are_shown_as_they_are_written(zoo, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    path = tmp_path / "zoo" / "first.json"
    values = json.loads(path.read_text()) | {"domain": "[red]photos[/]", "source": "a[/b] :cat:"}
    path.write_text(json.dumps(values))
    assert cli.main(["zoo", "list", "--zoo", str(tmp_path / "zoo")]) == 0
    assert "[red]photos[/]" in capsys.readouterr().out
    assert cli.main(["zoo", "info", "first", "--zoo", str(tmp_path / "zoo")]) == 0
    assert "a[/b] :cat:" in capsys.readouterr().out
    path.write_text(json.dumps(values | {"prior": {"mean": 2.0, "sd": 1.5, "tasks": ["birds"]}}))
    assert cli.main(["zoo", "info", "first", "--zoo", str(tmp_path / "zoo")]) == 0
    assert "+2.0 ± 1.5 points over the mean of its zoo, on birds" in " ".join(capsys.readouterr().out.split())
    for wrong in ({"mean": 2.0}, {"mean": 2.0, "sd": -1.0}, {"mean": "high", "sd": 1.0}, [2.0, 1.0]):
        path.write_text(json.dumps(values | {"prior": wrong}))
        assert cli.main(["zoo", "list", "--zoo", str(tmp_path / "zoo")]) == 2
        assert "first.json: its prior needs a mean and a sd" in capsys.readouterr().err
    path.write_text("{")
    assert cli.main(["zoo", "list", "--zoo", str(tmp_path / "zoo")]) == 2
    error = capsys.readouterr().err
    assert "first.json: not a readable model card" in error
    assert "move it away" in error
