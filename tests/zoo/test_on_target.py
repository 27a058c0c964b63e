"""A zoo entry with the target's batch statistics: the same weights, another network."""

import jax
import numpy as np
import pytest
from flax.traverse_util import flatten_dict
from networks import ConvNet, conv_variables, images
from tiny import random_model

from lin_ft.errors import InputError
from lin_ft.functions import features_of
from lin_ft.zoo import from_flax


def test_only_batch_statistics_change(tmp_path):
    model = random_model(tmp_path, "a")
    pixels = np.random.default_rng(0).integers(0, 255, (5, 32, 32, 3)).astype(np.uint8)
    moved = model.on_target(pixels)
    assert moved.card == model.card
    jax.tree.map(np.testing.assert_array_equal, moved.variables["params"], model.variables["params"])
    old, new = (flatten_dict(each.variables["batch_stats"]) for each in (model, moved))
    assert old.keys() == new.keys()
    assert all(not np.array_equal(old[name], new[name]) for name in old)
    assert moved.statistics is not None
    assert moved.statistics.n_channels == sum(leaf.size for name, leaf in new.items() if name[-1] == "mean")
    apply, params = moved.function
    assert not np.allclose(
        features_of(apply, params, images(2, np.float32, side=32)),
        features_of(*model.function, images(2, np.float32, side=32)),
    )


def test_models_in_memory():
    variables = jax.tree.map(np.asarray, conv_variables(dtype=np.float32))
    model = from_flax("mine", ConvNet(3), variables, image_size=32)
    pixels = np.random.default_rng(0).integers(0, 255, (5, 32, 32, 3)).astype(np.uint8)
    moved = model.on_target(pixels, source_weight=0.0)
    mean = moved.variables["batch_stats"]["stem_norm"]["mean"]
    assert not np.array_equal(mean, variables["batch_stats"]["stem_norm"]["mean"])
    np.testing.assert_array_equal(moved.function[0].frozen["batch_stats"]["stem_norm"]["mean"], mean)
    assert moved.statistics is not None


def test_constant_images(tmp_path):
    red = np.full((3, 32, 32, 3), (90, 0, 0), np.uint8)
    with pytest.raises(InputError, match="every pixel of every training image is the same"):
        random_model(tmp_path, "a").on_target(red)
