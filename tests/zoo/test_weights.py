"""Weights come back bit-equal, and anything else is one clear sentence."""

import os
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lin_ft.errors import InputError
from lin_ft.files.atomic import write_atomically
from lin_ft.zoo.weights import load_weights, save_weights

TREE = {"params": {"head": {"kernel": np.ones((3, 2), np.float32), "bias": np.zeros(2, np.float32)}}}


@given(
    value=hnp.arrays(
        st.sampled_from([np.float32, np.float64]),
        hnp.array_shapes(min_dims=0, max_dims=4, max_side=4),
        elements=st.floats(-1e3, 1e3, width=32),
    )
)
def test_round_trip_keeps_every_bit_and_shape(value, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    save_weights(path, {"a": {"b": value.swapaxes(0, -1) if value.ndim else value}})
    loaded = load_weights(path)["a"]["b"]
    expected = value.swapaxes(0, -1) if value.ndim else value
    assert loaded.shape == expected.shape
    assert loaded.dtype == expected.dtype
    np.testing.assert_array_equal(loaded, expected)


def test_missing_unexpected_and_reshaped_tensors_are_all_named(tmp_path):
    path = tmp_path / "w.safetensors"
    save_weights(path, {"params": {"head": {"kernel": np.ones((2, 2))}, "extra": {"kernel": np.ones(1)}}})
    with pytest.raises(InputError, match=r"missing: params/head/bias; unexpected: params/extra/kernel") as error:
        load_weights(path, TREE)
    assert "params/head/kernel (2, 2) instead of (3, 2)" in str(error.value)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_named(tmp_path, bad):
    path = tmp_path / "w.safetensors"
    save_weights(path, {"a": np.array([1.0, bad]), "b": np.ones(2)})
    with pytest.raises(InputError, match=r"NaN or infinite values in a;"):
        load_weights(path)


class Exploit:
    def __reduce__(self):
        return os.system, ("touch exploited",)


@pytest.mark.parametrize("content", [b"", b"\x00" * 7, b"not weights", pickle.dumps(Exploit())])
def test_a_file_that_is_no_safetensors_is_refused_and_never_executed(tmp_path, content, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "w.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a readable safetensors file"):
        load_weights(path)
    assert not (tmp_path / "exploited").exists()


def test_a_truncated_file_is_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    save_weights(path, TREE)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match="not a readable safetensors file"):
        load_weights(path)


def test_a_failed_write_leaves_the_old_file_and_no_temporary(tmp_path):
    path = tmp_path / "w.json"
    path.write_text("old")

    def fail(temporary):
        temporary.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match="No space left on device"):
        write_atomically(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_unwritable_folder_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        save_weights(tmp_path / "file" / "w.safetensors", TREE)


def test_images_too_small_for_a_backbone_are_one_sentence(tmp_path):
    import dataclasses

    from lin_ft.zoo import ZooModel, embedded_zoo

    small = embedded_zoo()[0]
    backbone = ZooModel(dataclasses.replace(small.card, architecture="squeezenet_11"), tmp_path / "none")
    images = np.zeros((2, 32, 16, 3), np.uint8)
    assert small.normalise(images).shape == images.shape
    with pytest.raises(InputError, match="takes images from 32 pixels on, not 32 x 16: choose a larger size"):
        backbone.normalise(images)
