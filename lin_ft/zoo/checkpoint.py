"""Tensors of a checkpoint file by their names: safetensors, or a torch file read without running code."""

import contextlib
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open

from lin_ft.errors import InputError
from lin_ft.zoo.restricted_pickle import Refused, load_torch

TORCH_SUFFIXES = (".pth", ".pt", ".bin", ".ckpt", ".tar")
WRAPPERS = ("state_dict", "model_state_dict", "model_ema", "model", "net", "weights")
"""Under which training scripts save the weights beside other things."""


def read_tensors(path: str | Path) -> dict[str, np.ndarray]:
    """name -> float array. Torch's files by `torch.load(weights_only=True)` where torch is installed (extra `[torch]`),
    else by `restricted_pickle`, which knows fewer types: neither runs code of the file.

    Raises:
        InputError: no such file, another suffix, half a file, code in a pickle, no tensors, NaN or infinite values.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such weights file.")
    if path.suffix == ".safetensors":
        tensors = _read_safetensors(path)
    elif path.suffix in TORCH_SUFFIXES:
        tensors = _state_dict(path, _read_torch(path))
    else:
        raise InputError(f"{path}: weights come as .safetensors or as {', '.join(TORCH_SUFFIXES)}; convert it to one.")
    broken = [name for name, value in tensors.items() if not np.isfinite(value).all()]
    if broken:
        raise InputError(f"{path}: NaN or infinite values in {', '.join(broken[:8])}; fetch or train it again.")
    return tensors


def _read_safetensors(path: Path) -> dict[str, np.ndarray]:
    try:
        with safe_open(path, "numpy") as file:
            return {name: _floats(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: damaged or only half downloaded ({error}); fetch it again.") from error


def _read_torch(path: Path) -> Any:
    """What torch's loader cannot or will not read goes to the restricted one, which says why."""
    with contextlib.suppress(
        ImportError, pickle.UnpicklingError, EOFError, RuntimeError, ValueError, KeyError, OSError
    ):
        import torch

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    try:
        return load_torch(path.read_bytes())
    except Refused as error:
        raise InputError(
            f"{path}: it holds more than tensors ({error}) and could run code when loaded, so it is refused and nothing"
            " was run; save its state_dict alone, best as safetensors."
        ) from error
    except Exception as error:  # broken bytes lead the unpickler to any error, none of which runs code
        raise InputError(f"{path}: damaged, only half downloaded or no torch file; fetch it again.") from error


def _state_dict(path: Path, value: Any) -> dict[str, np.ndarray]:
    """The tensors themselves, or those under a known key of WRAPPERS."""
    if isinstance(value, Mapping):
        for key in WRAPPERS:
            if isinstance(value.get(key), Mapping):
                return _state_dict(path, value[key])
        tensors = {str(name): _floats(each) for name, each in value.items() if hasattr(each, "shape")}
        others = [str(name) for name, each in value.items() if not hasattr(each, "shape")]
        if tensors and not others:
            return tensors
        if others:
            raise InputError(f"{path}: no tensors but {', '.join(others[:8])}; save the model's state_dict alone.")
    raise InputError(f"{path}: it holds no named tensors; save the model's state_dict.")


def _floats(value: Any) -> np.ndarray:
    """float32, from any number type, of torch or of NumPy."""
    if hasattr(value, "detach"):
        value = value.detach().float().numpy()
    return np.asarray(value).astype(np.float32)
