"""Tensors come out of files as they went in; a file with code in it is refused and runs nothing."""

import os
import pickle
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

from lin_ft.errors import InputError
from lin_ft.zoo.checkpoint import read_checkpoint
from lin_ft.zoo.restricted_pickle import Refused, load_pickle
from lin_ft.zoo.torch_file import Storage, View, load_torch

torch = pytest.importorskip("torch")

TENSORS = {"a.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "a.bias": np.ones(2, np.float32)}


def as_torch():
    return {name: torch.from_numpy(value) for name, value in TENSORS.items()}


@pytest.fixture(params=["torch", "no torch"])
def read(request, monkeypatch):
    """read_checkpoint with torch's own loader, and with the one that needs no torch."""

    def reader(path):
        with monkeypatch.context() as patched:
            if request.param == "no torch":
                patched.setitem(sys.modules, "torch", None)
            return read_checkpoint(path).tensors

    return reader


def same(tensors):
    assert set(tensors) == set(TENSORS)
    for name, value in TENSORS.items():
        np.testing.assert_array_equal(tensors[name], value)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("wrapper", [None, "state_dict", "model"])
def test_torch_files_are_read(tmp_path, monkeypatch, zipped, wrapper):
    path = tmp_path / "w.pth"
    saved = as_torch() if wrapper is None else {wrapper: as_torch(), "epoch": 3, "lr": 0.1}
    torch.save(saved, path, _use_new_zipfile_serialization=zipped)
    same(read_checkpoint(path).tensors)
    monkeypatch.setitem(sys.modules, "torch", None)
    same(read_checkpoint(path).tensors)


def test_views_types_and_parameters_without_torch(tmp_path):
    path = tmp_path / "w.pth"
    base = torch.arange(12.0).reshape(3, 4)
    saved = {
        "transposed": base.T, "row": base[1], "half": base.half(), "whole": torch.arange(3), "none": torch.empty(0, 2),
        "parameter": torch.nn.Parameter(base), "flag": torch.tensor([True, False]),
    }  # fmt: skip
    torch.save(saved, path)
    loaded = load_torch(path.read_bytes())
    for name, value in saved.items():
        np.testing.assert_array_equal(loaded[name], value.detach().numpy())


@pytest.mark.parametrize(("offset", "shape", "strides"), [(5, (2,), (1,)), (0, (4, 2), (2, 1)), (0, (2,), (-1,))])
def test_a_tensor_beyond_its_storage_is_no_tensor(offset, shape, strides):
    """Else it would show whatever lies behind it in memory."""
    storage = Storage(np.dtype("f4"))
    storage.read(np.arange(6, dtype=np.float32).tobytes())
    np.testing.assert_array_equal(View(storage, 1, (2, 2), (3, 1)).array(), [[1, 2], [4, 5]])
    with pytest.raises(pickle.UnpicklingError, match="beyond its storage"):
        View(storage, offset, shape, strides).array()


def test_safetensors_of_any_float_type(tmp_path):
    from safetensors.torch import save_file as save_torch

    save_file(TENSORS, tmp_path / "w.safetensors")
    same(read_checkpoint(tmp_path / "w.safetensors").tensors)
    for dtype in (torch.float16, torch.bfloat16, torch.float64):
        save_torch({name: value.to(dtype) for name, value in as_torch().items()}, tmp_path / "w.safetensors")
        same(read_checkpoint(tmp_path / "w.safetensors").tensors)


class Exploit:
    def __reduce__(self):
        return os.system, ("touch exploited",)


@pytest.mark.parametrize("zipped", [True, False, None])
def test_code_in_a_pickle_is_refused_and_not_run(read, tmp_path, monkeypatch, zipped):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "w.pth"
    saved = as_torch() | {"extra": Exploit()}
    if zipped is None:
        path.write_bytes(pickle.dumps(Exploit()))
    else:
        torch.save(saved, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(InputError, match=r"it holds more than tensors .*system.* refused and nothing was run"):
        read(path)
    assert not (tmp_path / "exploited").exists()
    with pytest.raises(Refused):
        load_pickle(pickle.dumps(Exploit()))
    with pytest.raises(Refused):
        load_torch(path.read_bytes())
    assert not (tmp_path / "exploited").exists()


@pytest.mark.parametrize("kept", [0, 10, 100, -3])
@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".old.pth"])
def test_half_a_file_is_one_sentence(read, tmp_path, suffix, kept):
    path = tmp_path / f"w{suffix}"
    if suffix != ".safetensors":
        torch.save(as_torch(), path, _use_new_zipfile_serialization=suffix == ".pth")
    else:
        save_file(TENSORS, path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match="half downloaded"):
        read(path)


def test_what_holds_no_tensors_says_so(tmp_path):
    path = tmp_path / "w.pth"
    torch.save({"epoch": 3}, path)
    with pytest.raises(InputError, match="no tensors but epoch"):
        read_checkpoint(path)
    torch.save([1, 2], path)
    with pytest.raises(InputError, match="no named tensors"):
        read_checkpoint(path)
    torch.save({"a": torch.tensor([1.0, float("nan")])}, path)
    with pytest.raises(InputError, match="NaN or infinite values in a"):
        read_checkpoint(path)
    with pytest.raises(InputError, match="no such weights file"):
        read_checkpoint(tmp_path / "none.pth")
    (tmp_path / "w.h5").write_bytes(b"")
    with pytest.raises(InputError, match="weights come as"):
        read_checkpoint(tmp_path / "w.h5")
