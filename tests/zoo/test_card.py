"""Cards survive the round trip; a damaged one is one clear sentence."""

import json

import pytest

from lin_ft.errors import InputError
from lin_ft.zoo import ModelCard, load_card, save_card

CARD = ModelCard(
    name="a", architecture="resnet20", source="s", domain="d", class_names=("x", "ÿ"), image_size=32,
    mean=(0.1, 0.2, 0.3), std=(1.0, 1.0, 1.0), n_params=3, n_train=5, n_test=7, test_accuracy=0.5, licence="MIT",
    command="c", commit="0", hardware="h", seconds=1.5, seed=0, recipe={"epochs": 1},
)  # fmt: skip


def test_round_trip(tmp_path):
    save_card(tmp_path / "a.json", CARD)
    assert load_card(tmp_path / "a.json") == CARD


@pytest.mark.parametrize("text", ["", "[]", "{", "7"])
def test_what_is_no_card_is_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(InputError, match="not a"):
        load_card(tmp_path / "a.json")


def test_missing_and_unknown_fields_are_named(tmp_path):
    save_card(tmp_path / "a.json", CARD)
    values = json.loads((tmp_path / "a.json").read_text())
    del values["mean"]
    values["colour"] = "red"
    (tmp_path / "a.json").write_text(json.dumps(values))
    with pytest.raises(InputError, match="missing mean, unknown colour"):
        load_card(tmp_path / "a.json")
