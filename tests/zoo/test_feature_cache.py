"""Features are computed once for the same weights, images and normalisation, and anew where one of them differs."""

import dataclasses

import numpy as np
import pytest
from tiny import random_model

from lin_ft.zoo import ZooModel, embedded_zoo, feature_cache, multi_domain_zoo
from lin_ft.zoo.feature_cache import cached_features
from lin_ft.zoo.identity import DESCRIPTIVE, card_digest


@pytest.fixture
def counted(tmp_path, monkeypatch):
    """A model, images of 64 pixels, and how often features were computed."""
    monkeypatch.setenv("LIN_FT_CACHE", str(tmp_path / "cache"))
    calls = []
    real = feature_cache.features_of
    monkeypatch.setattr(feature_cache, "features_of", lambda *given: calls.append(1) or real(*given))
    images = np.random.default_rng(0).integers(0, 255, (2, 64, 64, 3)).astype(np.uint8)
    return random_model(tmp_path, "a"), images, calls


def test_each_part_of_the_key_counts(counted):
    model, images, calls = counted
    first = cached_features(model, images)
    np.testing.assert_array_equal(cached_features(model, images), first)
    assert len(calls) == 1
    for changes in ({"mean": (0.4,) * 3}, {"std": (0.5,) * 3}):
        other = cached_features(dataclasses.replace(model, card=dataclasses.replace(model.card, **changes)), images)
        assert not np.array_equal(other, first)
    assert len(calls) == 3
    assert not np.array_equal(cached_features(model, 255 - images), first)
    assert len(calls) == 4


def test_other_weights_under_the_same_card_are_other_features(counted, tmp_path):
    """The file counts, and not the hash on the card, which may be missing or old."""
    model, images, calls = counted
    first = cached_features(model, images)
    random_model(tmp_path, "a", seed=1)
    np.testing.assert_array_equal(cached_features(model, images), first)  # it has its weights in memory
    assert not np.array_equal(cached_features(ZooModel(model.card, model.weights), images), first)
    assert len(calls) == 2


def test_a_trunk_is_part_of_the_weights(tmp_path):
    model = random_model(tmp_path, "a")
    sliced = dataclasses.replace(model, card=dataclasses.replace(model.card, trunk="trunk.safetensors"))
    (tmp_path / "trunk.safetensors").write_bytes(b"one")
    digests = {model.weights_digest, sliced.weights_digest}
    (tmp_path / "trunk.safetensors").write_bytes(b"two")
    assert len({*digests, dataclasses.replace(sliced).weights_digest}) == 3


def test_digests_are_those_of_the_shipped_cards():
    for model in [*embedded_zoo(), *multi_domain_zoo()]:
        assert model.weights_digest == model.card.sha256


def test_every_field_of_a_card_is_described_or_counts(tmp_path):
    card = random_model(tmp_path, "a").card
    other = {str: "x", int: 7, float: 0.7, dict: {"x": 1}}
    for field in dataclasses.fields(card):
        value = getattr(card, field.name)
        value = value[:-1] if isinstance(value, tuple) else other[type(value)]
        changed = card_digest(dataclasses.replace(card, **{field.name: value})) != card_digest(card)
        assert changed == (field.name not in DESCRIPTIVE), field.name


def test_a_target_s_batch_statistics_count(counted):
    model, images, calls = counted
    noise = np.random.default_rng(1).integers(0, 255, (2, 3, 64, 64, 3)).astype(np.uint8)
    source = cached_features(model, images)
    one, other = (cached_features(model.on_target(each), images) for each in noise)
    assert len(calls) == 3
    assert not np.array_equal(source, one)
    assert not np.array_equal(one, other)
    cached_features(model.on_target(noise[0]), images)
    assert len(calls) == 3


def test_a_damaged_file_is_computed_anew(counted, tmp_path):
    model, images, calls = counted
    first = cached_features(model, images)
    (path,) = (tmp_path / "cache" / "features").glob("*.npy")
    path.write_bytes(path.read_bytes()[:50])
    np.testing.assert_array_equal(cached_features(model, images), first)
    np.testing.assert_array_equal(cached_features(model, images), first)
    assert len(calls) == 2


def test_small_images_leave_no_files(counted, tmp_path):
    model, images, calls = counted
    cached_features(model, images[:, :32, :32])
    assert len(calls) == 1
    assert not (tmp_path / "cache").exists()
