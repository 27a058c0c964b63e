"""Weights as data: nested dicts of arrays to and from safetensors, written atomically, checked on reading."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from lin_ft.errors import InputError
from lin_ft.files.atomic import write_atomically


def save_weights(path: str | Path, variables: Mapping[str, Any]) -> None:
    """Write a nested dict of arrays; tensor names are the paths joined by '/': 'params/head/kernel'.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.zoo import load_weights, save_weights
        >>> save_weights("mine.safetensors", {"params": {"head": {"bias": np.zeros(2, np.float32)}}})
        >>> load_weights("mine.safetensors")
        {'params': {'head': {'bias': array([0., 0.], dtype=float32)}}}
    """
    flat = {name: np.asarray(value, order="C") for name, value in flatten_dict(variables, sep="/").items()}
    write_atomically(path, lambda temporary: save_file(flat, temporary))


def load_weights(
    path: str | Path, like: Mapping[str, Any] | None = None, *, trunk: str | Path | None = None
) -> dict[str, Any]:
    """Read a nested dict of arrays; given `like` (arrays or shape structs), names and shapes must agree with it.

    The tensors of `trunk`, a second file, are added; where both files have one, `path`'s counts.

    Raises InputError for a missing or damaged file, for tensors that are missing, unexpected or of another
    shape (all listed), and for NaN or infinite values.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.zoo import load_weights, save_weights
        >>> weights = {"params": {"head": {"bias": np.zeros(2, np.float32)}}}
        >>> save_weights("mine.safetensors", weights)
        >>> load_weights("mine.safetensors", like=weights)["params"]["head"]["bias"].dtype
        dtype('float32')
    """
    path = Path(path)
    flat = {**(_read(Path(trunk)) if trunk else {}), **_read(path)}
    if like is not None:
        _check_shapes(path, flat, flatten_dict(like, sep="/"))
    return unflatten_dict(flat, sep="/")


def _read(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise InputError(f"{path}: no such weights file; give the path of a .safetensors file.")
    try:
        flat = load_file(path)
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: not a readable safetensors file ({error}); fetch or train it again.") from error
    broken = [name for name, value in flat.items() if not np.all(np.isfinite(np.asarray(value, np.float64)))]
    if broken:
        raise InputError(f"{path}: NaN or infinite values in {', '.join(broken)}; fetch or train it again.")
    return flat


def _check_shapes(path: Path, flat: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    missing = sorted(expected.keys() - flat.keys())
    unexpected = sorted(flat.keys() - expected.keys())
    reshaped = [
        f"{name} {tuple(flat[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in sorted(expected.keys() & flat.keys())
        if tuple(flat[name].shape) != tuple(expected[name].shape)
    ]
    problems = [
        f"{title}: {', '.join(names)}"
        for title, names in (("missing", missing), ("unexpected", unexpected), ("of another shape", reshaped))
        if names
    ]
    if problems:
        raise InputError(f"{path}: does not fit the architecture ({'; '.join(problems)}); name the right one.")
