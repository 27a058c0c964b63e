"""Features are computed once for the same weights, images and normalisation, and anew where one of them differs."""

import dataclasses

import numpy as np
import pytest
from tiny import random_model

from lin_ft.zoo import feature_cache
from lin_ft.zoo.feature_cache import cached_features


@pytest.fixture
def counted(tmp_path, monkeypatch):
    """A model with a hash, images of 64 pixels, and how often features were computed."""
    monkeypatch.setenv("LIN_FT_CACHE", str(tmp_path / "cache"))
    calls = []
    real = feature_cache.features_of
    monkeypatch.setattr(feature_cache, "features_of", lambda *given: calls.append(1) or real(*given))
    model = random_model(tmp_path, "a")
    model = dataclasses.replace(model, card=dataclasses.replace(model.card, sha256="a" * 64))
    return model, np.random.default_rng(0).integers(0, 255, (2, 64, 64, 3)).astype(np.uint8), calls


def test_each_part_of_the_key_counts(counted):
    model, images, calls = counted
    first = cached_features(model, images)
    np.testing.assert_array_equal(cached_features(model, images), first)
    assert len(calls) == 1
    for changes in ({"mean": (0.4,) * 3}, {"std": (0.5,) * 3}, {"sha256": "b" * 64}):
        cached_features(dataclasses.replace(model, card=dataclasses.replace(model.card, **changes)), images)
    assert len(calls) == 4
    assert not np.array_equal(cached_features(model, 255 - images), first)
    assert len(calls) == 5


def test_a_damaged_file_is_computed_anew(counted, tmp_path):
    model, images, calls = counted
    first = cached_features(model, images)
    (path,) = (tmp_path / "cache" / "features").glob("*.npy")
    path.write_bytes(path.read_bytes()[:50])
    np.testing.assert_array_equal(cached_features(model, images), first)
    np.testing.assert_array_equal(cached_features(model, images), first)
    assert len(calls) == 2


def test_small_images_and_models_without_a_hash_leave_no_files(counted, tmp_path):
    model, images, calls = counted
    cached_features(model, images[:, :32, :32])
    cached_features(dataclasses.replace(model, card=dataclasses.replace(model.card, sha256="")), images)
    assert len(calls) == 2
    assert not (tmp_path / "cache").exists()
