"""Noto emoji: category of the table, no skin tones, variants together, the split of OpenMoji."""

import json

import numpy as np
import pytest
from fake_packages import noise, npm_package, png

from lin_ft.data.packaged import openmoji_color, split_by_hash
from lin_ft.data.packaged.noto_emoji import DATASET

FOLDER = "package/img/google/64/"
EMOJI = {
    "1f600.png": "Smileys & Emotion",
    "1f415-200d-1f9ba.png": "Animals & Nature",
    "1f415.png": "Animals & Nature",
    "0023-fe0f-20e3.png": "Symbols",
    "1f3fb.png": "Component",
    "1f1e6-1f1e8.png": "Flags",
    "1f1e6-1f1ea.png": "Flags",
    "1f468.png": "People & Body",
}


def blots(seed: int) -> np.ndarray:
    """Large transparent and coloured squares, (64, 64, 4), unlike those of any other seed."""
    return np.repeat(np.repeat(noise(seed, 8, 8, 4), 8, 0), 8, 1)


@pytest.fixture
def examples(tmp_path):
    tones = {"1F3FC": {"image": "1f468-1f3fc.png"}}
    table = [
        {"image": name, "category": category, "skin_variations": tones if name == "1f468.png" else {}}
        for name, category in EMOJI.items()
    ]
    files = {"package/emoji.json": json.dumps(table).encode()}
    for i, name in enumerate([*EMOJI, "1f468-1f3fc.png"]):
        files[FOLDER + name] = png(blots(i))
        files[f"package/img/google/sheets/64/{name}"] = b"not a drawing"
    return list(DATASET.examples([npm_package(tmp_path / "e.tgz", files)]))


def test_categories_without_components_and_skin_tones(examples):
    found = [(e.group, DATASET.class_names[e.label]) for e in examples]
    assert found == [
        ("0023", "symbols"),
        ("1F1E6-1F1E8", "flags"),
        ("1F1E6-1F1EA", "flags"),
        ("1F415", "animals and nature"),
        ("1F415", "animals and nature"),
        ("1F468", "people and body"),
        ("1F600", "smileys and emotion"),
    ]
    assert {e.image.shape for e in examples} == {(64, 64, 3)}


def test_split_and_classes_are_those_of_openmoji(examples):
    assert all(e.split == split_by_hash(e.group) for e in examples)
    assert DATASET.class_names == openmoji_color.DATASET.class_names
