"""A benchmark is resumed after something changed that its results were made of: these alone are computed again."""

import dataclasses
import json
import shutil

import pytest
from test_run import faked, run  # noqa: F401
from tiny import random_model

from lin_ft.zoo import load_card, save_card


@pytest.fixture
def bench(config_file, zoo, photos, tmp_path, faked):  # noqa: F811
    """(run it again, its zoo, its images, the cells that were done)"""
    own_zoo, images = tmp_path / "zoo", tmp_path / "images"
    shutil.copytree(zoo, own_zoo)
    shutil.copytree(photos, images)
    config = config_file()
    config.write_text(config.read_text().replace(str(zoo), str(own_zoo)).replace(str(photos), str(images)))

    def again(*options):
        faked.clear()
        assert run("bench", "run", config, "--out", tmp_path / "out", *options) == 0
        return sorted((cell.part, cell.model, cell.seed) for cell in faked)

    assert len(again()) == 8
    assert again() == []
    return again, own_zoo, images, config


def of(*models):
    return sorted((part, model, seed) for part in ("scores", "finetune") for model in models for seed in (0, 1))


@pytest.mark.parametrize("changes", [{"mean": (0.4,) * 3}, {"std": (0.3,) * 3}])
def test_a_corrected_normalisation(bench, changes, capsys):
    again, zoo, _, _ = bench
    card = load_card(zoo / "second.json")
    save_card(zoo / "second.json", dataclasses.replace(card, **changes))
    capsys.readouterr()
    assert again() == of("second")
    assert "not counted: 22 records made of other normalisation or network options than" in capsys.readouterr().out
    save_card(zoo / "second.json", card)
    assert again() == [], "what was measured before is still there"


def test_what_a_card_tells_beside_changes_nothing(bench):
    again, zoo, _, _ = bench
    card = load_card(zoo / "second.json")
    save_card(zoo / "second.json", dataclasses.replace(card, licence="MIT", test_accuracy=0.9, sha256="0" * 64))
    assert again() == []


def test_other_weights_under_an_old_card(bench):
    again, zoo, _, _ = bench
    card = (zoo / "first.json").read_text()
    random_model(zoo, "first", seed=5)
    (zoo / "first.json").write_text(card)
    assert again() == of("first")


def test_exchanged_labels(bench):
    again, _, images, _ = bench
    first, second, spare = (images / "train" / name for name in ("bright", "dark", "spare"))
    first.rename(spare)
    second.rename(first)
    spare.rename(second)
    assert again() == of("first", "second")


def test_a_moved_folder_is_the_same_task(bench, tmp_path):
    again, _, images, config = bench
    shutil.move(images, tmp_path / "moved")
    config.write_text(config.read_text().replace(str(images), str(tmp_path / "moved")))
    assert again() == []
    assert run("bench", "pack", config, "--out", tmp_path / "out") == 0
    assert again() == []


def test_a_test_image_is_seen_by_the_fine_tunings_alone(bench):
    again, _, images, _ = bench
    (images / "test" / "dark" / "0.png").unlink(missing_ok=True)
    (next((images / "test" / "bright").iterdir())).unlink()
    assert again() == [row for row in of("first", "second") if row[0] == "finetune"]


def test_a_card_that_names_another_source_changes_only_scores_that_see_it(bench, tmp_path):
    again, zoo, images, config = bench
    text = config.read_text().replace(
        'scores=("logme", "etran")', 'scores=("logme", "frechet_distance"), source_shots=2'
    )
    config.write_text(text)
    card = load_card(zoo / "first.json")
    save_card(zoo / "first.json", dataclasses.replace(card, source=str(images)))
    assert again() == [row for row in of("first", "second") if row[0] == "scores"]
    values = [json.loads(path.read_text()) for path in (tmp_path / "out" / "cells").iterdir()]
    assert {tuple(value["scores"]) for value in values if "frechet_distance" in value.get("scores", {})} == {
        ("frechet_distance",)
    }
