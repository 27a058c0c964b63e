"""Tensors of a checkpoint by their names: safetensors, torch files, folders and indices of several files.

No code of a file is run, and torch is not needed. What a file is, its content says, not its suffix.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
import safetensors
from safetensors import SafetensorError

from lin_ft.errors import InputError
from lin_ft.zoo.restricted_pickle import Refused, Unread
from lin_ft.zoo.stated import Statement, training_statement
from lin_ft.zoo.torch_file import load_torch
from lin_ft.zoo.wrappers import listed, network_in

SUFFIXES = (".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".tar")
FILES = (
    "model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json",
)  # fmt: skip
"""Looked for in a folder and on the hub, in this order: as transformers and timm write them."""
INDEX = ".index.json"
PART = re.compile(r"-\d+-of-\d+(?=\.)")
DTYPES = {
    "F64": "f8", "F32": "f4", "F16": "f2", "BF16": ml_dtypes.bfloat16, "I64": "i8", "I32": "i4", "I16": "i2",
    "I8": "i1", "U64": "u8", "U32": "u4", "U16": "u2", "U8": "u1", "BOOL": "?", "C64": "c8",
    "F8_E4M3": ml_dtypes.float8_e4m3fn, "F8_E5M2": ml_dtypes.float8_e5m2, "F8_E8M0": ml_dtypes.float8_e8m0fnu,
}  # fmt: skip
"""Types of safetensors -> what np.dtype takes."""


class Checkpoint(NamedTuple):
    """The tensors of one network, of whatever type, and what lies beside them."""

    tensors: dict[str, np.ndarray]
    stated: Statement
    notes: tuple[str, ...]
    """What was taken of several networks, and what was left out."""


def read_checkpoint(path: str | Path) -> Checkpoint:
    """The network of a weights file, of an index of several, or of a folder that holds one of FILES.

    Raises:
        InputError: no such file, one that is neither safetensors nor torch's, half a file, code in a pickle, no tensors
            or several networks, NaN or infinite values.
    """
    path = weights_of(Path(path))
    value = _joined(path) if path.name.endswith(INDEX) else _content(path)
    try:
        network = network_in(value)
    except InputError as error:
        raise InputError(f"{path}: {error}.") from error
    broken = [name for name, each in network.tensors.items() if not _finite(each)]
    if broken:
        raise InputError(f"{path}: NaN or infinite values in {listed(broken)}; fetch or train it again.")
    beside = value if isinstance(value, Mapping) else {}
    return Checkpoint(network.tensors, training_statement(beside), network.notes)


def weights_of(path: Path) -> Path:
    """The file or index to read: the path itself or, of a folder, one of FILES, else the only weights file in it."""
    if path.is_dir():
        own = [path / name for name in FILES if (path / name).is_file()]
        own = own or sorted(each for each in path.iterdir() if each.suffix.lower() in SUFFIXES and each.is_file())
        if not own or (len(own) > 1 and own[0].name not in FILES):
            several = f"several weights files ({listed([each.name for each in own])})"
            raise InputError(f"{path}: the folder holds {several if own else 'no weights file'}; give the file.")
        return own[0]
    if not path.is_file():
        raise InputError(f"{path}: no such weights file.")
    if PART.search(path.name):
        whole = path.with_name(PART.sub("", path.name) + INDEX)
        there = f"give {whole}" if whole.is_file() else f"its index {whole.name} is not beside it"
        raise InputError(f"{path}: one part of a checkpoint of several files; {there}.")
    return path


def parts_of(index: Path) -> dict[str, list[str]]:
    """File -> names of its tensors, of the index of a checkpoint of several files."""
    try:
        values = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
        names = {str(name): str(file) for name, file in values.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{index}: no index of a checkpoint ({error!r}); fetch it again.") from error
    parts: dict[str, list[str]] = {}
    for name, file in names.items():
        if Path(file).name != file:
            raise InputError(f"{index}: it names {file!r}, which is not a file beside it.")
        parts.setdefault(file, []).append(name)
    return parts


def _joined(index: Path) -> dict[str, Any]:
    joined: dict[str, Any] = {}
    for file, names in parts_of(index).items():
        path = index.with_name(file)
        if not path.is_file():
            raise InputError(f"{index}: its part {file} is not beside it; fetch all parts.")
        content = _content(path)
        missing = [name for name in names if name not in content]
        if missing:
            raise InputError(f"{path}: {listed(missing)} should be in it, says {index.name}; fetch it again.")
        joined |= {name: content[name] for name in names}
    return joined


def _content(path: Path) -> Any:
    with path.open("rb") as file:
        start = file.read(64)
    length = int.from_bytes(start[:8], "little")
    if start[8:9] == b"{" and length < path.stat().st_size:
        return _read_safetensors(path)
    if start[:2] == b"PK" or start[:1] == b"\x80":
        return _read_torch(path)
    if start.startswith(b"version https://git-lfs"):
        raise InputError(f"{path}: a Git LFS pointer in place of the weights; fetch the file itself (git lfs pull).")
    if start.lstrip()[:1] == b"<":
        raise InputError(f"{path}: a web page in place of the weights; fetch the file itself.")
    if path.suffix.lower() in SUFFIXES:
        raise InputError(f"{path}: damaged, only half downloaded or no weights file; fetch it again.")
    raise InputError(
        f"{path}: weights come as safetensors or as torch files ({', '.join(SUFFIXES)}); convert it to one."
    )


def _read_safetensors(path: Path) -> dict[str, np.ndarray]:
    try:
        parts = safetensors.deserialize(path.read_bytes())
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: damaged or only half downloaded ({error}); fetch it again.") from error
    strange = {str(part["dtype"]) for _, part in parts} - DTYPES.keys()
    if strange:
        raise InputError(f"{path}: numbers of type {listed(sorted(strange))} are not read; save it in float32.")
    return {name: np.frombuffer(part["data"], DTYPES[part["dtype"]]).reshape(part["shape"]) for name, part in parts}


def _read_torch(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            return load_torch(file)
    except Refused as error:
        raise InputError(
            f"{path}: it holds more than tensors and plain data: {error}, whose code would run when it is loaded, so it"
            " is refused and nothing was run; save the state_dict alone, best as safetensors."
        ) from error
    except Unread as error:
        raise InputError(f"{path}: it holds {error}, which is not read; save the state_dict alone.") from error
    except Exception as error:  # broken bytes lead the unpickler to any error, none of which runs code
        raise InputError(f"{path}: damaged, only half downloaded or no torch file; fetch it again.") from error


def _finite(value: np.ndarray) -> bool:
    """In float32, the type of all weights here; whole numbers are."""
    if value.dtype.kind in "biu":
        return True
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(value.astype(np.complex64 if value.dtype.kind == "c" else np.float32)).all())
