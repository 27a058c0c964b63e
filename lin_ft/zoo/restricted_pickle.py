"""Arrays out of pickles and of torch's files without running any code: only names that make arrays are known.

A pickle calls whatever it names; here every other name than those of `KNOWN` is refused before anything is called.
Torch's files, the zip form of 2020 and the older sequence of pickles, need no torch.
"""

import collections
import io
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

MAGIC = 0x1950A86A20F9469CFC6C
"""First pickle of torch's files before the zip form."""


class Refused(pickle.UnpicklingError):
    """The pickle names something that is not an array."""


class Storage:
    """Numbers of one torch storage, filled in when its bytes are known."""

    def __init__(self, dtype: np.dtype):
        self.dtype = dtype
        self.values = np.empty(0, dtype)

    def read(self, content: bytes) -> None:
        self.values = np.frombuffer(content, self.dtype)


class View:
    """A tensor: a storage with offset, shape and strides, in numbers."""

    def __init__(self, storage: Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any):
        self.storage, self.offset, self.shape, self.strides = storage, offset, tuple(shape), tuple(strides)

    def array(self) -> np.ndarray:
        values, width = self.storage.values, self.storage.dtype.itemsize
        last = self.offset + sum((side - 1) * step for side, step in zip(self.shape, self.strides, strict=True))
        if 0 in self.shape:
            return np.empty(self.shape, values.dtype)
        if min(self.offset, *self.strides, 0) < 0 or last >= len(values):
            raise pickle.UnpicklingError("a tensor reaches beyond its storage")
        steps = [step * width for step in self.strides]
        return np.lib.stride_tricks.as_strided(values[self.offset :], self.shape, steps).copy()


def _parameter(data: Any, *_: Any) -> Any:
    return data


_DTYPES = {"Float": "f4", "Double": "f8", "Half": "f2", "Long": "i8", "Int": "i4", "Short": "i2", "Char": "i1"}
_DTYPES |= {"Byte": "u1", "Bool": "?"}
KNOWN: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("_codecs", "encode"): lambda text, encoding: text.encode(encoding),
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    **{
        (f"numpy.{core}.multiarray", name): value.__reduce__()[0]
        for core in ("core", "_core")
        for name, value in (("_reconstruct", np.empty(0)), ("scalar", np.float64(0)))
    },
    ("torch._utils", "_rebuild_tensor_v2"): View,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    **{("torch", f"{kind}Storage"): np.dtype(code) for kind, code in _DTYPES.items()},
}


class _Reader(pickle.Unpickler):
    def __init__(self, file: Any, storage: Callable[..., Storage] | None = None):
        super().__init__(file, encoding="latin1")
        self._storage = storage

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in KNOWN:
            raise Refused(f"{module}.{name}")
        return KNOWN[module, name]

    def persistent_load(self, pid: Any) -> Storage:
        if self._storage is None or not isinstance(pid, tuple) or pid[:1] != ("storage",):
            raise Refused("a persistent object")
        return self._storage(*pid[1:])


def load_pickle(content: bytes) -> Any:
    """The object of a pickle of plain containers, numbers, texts and NumPy arrays.

    Raises:
        Refused: a name that is not of KNOWN; nothing was called.
        pickle.UnpicklingError, EOFError, zipfile.BadZipFile and others: not whole.
    """
    return _Reader(io.BytesIO(content)).load()


def load_torch(content: bytes) -> Any:
    """The object of a torch file, tensors as arrays. Raises as `load_pickle`."""
    read = _from_zip if content[:2] == b"PK" else _from_sequence
    return _arrays(read(io.BytesIO(content)))


def _from_zip(file: io.BytesIO) -> Any:
    with zipfile.ZipFile(file) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("data.pkl"))
        folder = name.removesuffix("data.pkl")

        def storage(dtype: np.dtype, key: str, *_: Any) -> Storage:
            made = Storage(dtype)
            made.read(archive.read(f"{folder}data/{key}"))
            return made

        return _Reader(io.BytesIO(archive.read(name)), storage).load()


def _from_sequence(file: io.BytesIO) -> Any:
    storages: dict[str, Storage] = {}

    def storage(dtype: np.dtype, key: str, *_: Any) -> Storage:
        return storages.setdefault(key, Storage(dtype))

    if _Reader(file).load() != MAGIC:
        raise pickle.UnpicklingError("not a torch file")
    for _ in ("protocol", "system"):
        _Reader(file).load()
    result = _Reader(file, storage).load()
    for key in _Reader(file).load():
        (count,) = struct.unpack("<q", file.read(8))
        content = file.read(count * storages[key].dtype.itemsize)
        if len(content) < count * storages[key].dtype.itemsize:
            raise EOFError
        storages[key].read(content)
    return result


def _arrays(value: Any) -> Any:
    if isinstance(value, View):
        return value.array()
    if isinstance(value, Mapping):
        return {key: _arrays(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_arrays(each) for each in value]
    return value
