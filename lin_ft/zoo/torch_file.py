"""Torch's files as data, without torch: the zip form of 2020 and the older sequence of pickles.

Every type of tensor is read: bfloat16 and the 8-bit floats as `ml_dtypes` has them, quantised ones as the numbers they
stand for, sparse ones dense.
"""

import io
import pickle
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np

from lin_ft.zoo.restricted_pickle import Leaf, Reader, Unread, plain

MAGIC = 0x1950A86A20F9469CFC6C
"""First pickle of torch's files before the zip form."""

DTYPES: dict[str, Any] = {
    "float32": "f4", "float64": "f8", "float16": "f2", "bfloat16": ml_dtypes.bfloat16, "int64": "i8", "int32": "i4",
    "int16": "i2", "int8": "i1", "uint8": "u1", "uint16": "u2", "uint32": "u4", "uint64": "u8", "bool": "?",
    "complex64": "c8", "complex128": "c16", "complex32": [("real", "f2"), ("imag", "f2")], "qint8": "i1",
    "quint8": "u1", "qint32": "i4", "float8_e4m3fn": ml_dtypes.float8_e4m3fn, "float8_e5m2": ml_dtypes.float8_e5m2,
    "float8_e4m3fnuz": ml_dtypes.float8_e4m3fnuz, "float8_e5m2fnuz": ml_dtypes.float8_e5m2fnuz,
    "float8_e8m0fnu": ml_dtypes.float8_e8m0fnu,
}  # fmt: skip
"""torch's name -> what np.dtype takes."""
STORAGES = {
    "Float": "float32", "Double": "float64", "Half": "float16", "BFloat16": "bfloat16", "Long": "int64", "Int": "int32",
    "Short": "int16", "Char": "int8", "Byte": "uint8", "Bool": "bool", "ComplexFloat": "complex64",
    "ComplexDouble": "complex128", "ComplexHalf": "complex32", "QInt8": "qint8", "QUInt8": "quint8", "QInt32": "qint32",
    "Untyped": "uint8",
}  # fmt: skip


class TypeName(str):
    """A torch.dtype, by its name."""


class Storage:
    """Numbers of one torch storage, filled in when its bytes are known."""

    def __init__(self, dtype: Any):
        self.dtype = np.dtype(dtype)
        self.values = np.empty(0, self.dtype)

    def read(self, content: bytes) -> None:
        """Take the bytes."""
        self.values = np.frombuffer(content, self.dtype)


class View(Leaf):
    """A tensor: a storage with offset, shape and strides, in numbers."""

    def __init__(self, storage: Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any):
        self.storage, self.offset, self.shape, self.strides = storage, offset, tuple(shape), tuple(strides)

    def array(self) -> np.ndarray:
        """The tensor, copied; UnpicklingError where it reaches beyond its storage."""
        values, width = self.storage.values, self.storage.dtype.itemsize
        last = self.offset + sum((side - 1) * step for side, step in zip(self.shape, self.strides, strict=True))
        if 0 in self.shape:
            return np.empty(self.shape, values.dtype)
        if min(self.offset, *self.shape, *self.strides, 0) < 0 or last >= len(values):
            raise pickle.UnpicklingError("a tensor reaches beyond its storage")
        steps = [step * width for step in self.strides]
        raw = values[self.offset :].view(f"V{width}")  # as_strided knows no 8-bit floats
        array = np.lib.stride_tricks.as_strided(raw, self.shape, steps).copy().view(values.dtype)
        return array["real"] + 1j * array["imag"].astype(np.float32) if array.dtype.fields else array


class TypedView(View):
    """`_rebuild_tensor_v3`: the type is said beside a storage of bytes."""

    def __init__(
        self, storage: Storage, offset: int, shape: Any, strides: Any, _grad: Any, _hooks: Any, dtype: str, *_: Any
    ):
        super().__init__(storage, offset, shape, strides)
        self.type = dtype

    def array(self) -> np.ndarray:
        """The tensor, its bytes read as the type that was said."""
        typed = Storage(DTYPES[self.type])
        content = self.storage.values.tobytes()
        typed.read(content[: len(content) // typed.dtype.itemsize * typed.dtype.itemsize])
        return View(typed, self.offset, self.shape, self.strides).array()


class Quantised(View):
    """(numbers - zero point) * scale, for the tensor or along an axis."""

    def __init__(self, storage: Storage, offset: int, shape: Any, strides: Any, how: tuple, *_: Any):
        super().__init__(storage, offset, shape, strides)
        self.how = how

    def array(self) -> np.ndarray:
        """The tensor in float32, of its integers."""
        numbers, (_, scale, zero, *axis) = super().array().astype(np.float64), self.how
        scale, zero = (np.asarray(plain(each), np.float64) for each in (scale, zero))
        if axis:
            scale, zero = (
                each.reshape([-1 if at == axis[0] else 1 for at in range(numbers.ndim)]) for each in (scale, zero)
            )
        return ((numbers - zero) * scale).astype(np.float32)


class Sparse(Leaf):
    """Coordinates and values, made dense."""

    def __init__(self, layout: Any, parts: tuple, *_: Any):
        if layout != "torch.sparse_coo":
            raise Unread(f"a tensor of layout {layout}")
        self.indices, self.values, self.shape = parts[:3]

    def array(self) -> np.ndarray:
        """The tensor with all its zeros."""
        indices, values = self.indices.array(), self.values.array()
        dense = np.zeros(tuple(self.shape), values.dtype)
        np.add.at(dense, tuple(indices), values)
        return dense


def _first(value: Any, *_: Any) -> Any:
    return value


def _of_type(rebuild: Callable, _kind: Any, arguments: tuple, *_: Any) -> Any:
    return rebuild(*arguments)


_REBUILD = {
    "_rebuild_tensor": View, "_rebuild_tensor_v2": View, "_rebuild_tensor_v3": TypedView, "_rebuild_qtensor": Quantised,
    "_rebuild_sparse_tensor": Sparse, "_rebuild_parameter": _first, "_rebuild_parameter_with_state": _first,
}  # fmt: skip
TORCH_NAMES: dict[tuple[str, str], Any] = {
    **{("torch._utils", name): made for name, made in _REBUILD.items()},
    ("torch._tensor", "_rebuild_from_type_v2"): _of_type,
    **{("torch", f"{kind}Storage"): DTYPES[name] for kind, name in STORAGES.items()},
    ("torch.storage", "UntypedStorage"): DTYPES["uint8"],
    **{("torch", name): TypeName(name) for name in DTYPES},
    **{("torch", name): TypeName(name) for name in ("per_tensor_affine", "per_channel_affine")},
    ("torch", "Size"): tuple,
    ("torch", "device"): lambda *parts: ":".join(map(str, parts)),
    ("torch", "Tensor"): TypeName("Tensor"),
    ("torch.nn.parameter", "Parameter"): _first,
    ("torch.nn.parameter", "Buffer"): _first,
    ("torch.serialization", "_get_layout"): _first,
    ("torch.torch_version", "TorchVersion"): str,
}
"""What may stand in torch's files beside KNOWN -> what is called in its place."""


def load_torch(content: bytes | io.BufferedIOBase) -> Any:
    """The object of a torch file, tensors as arrays, records as dicts.

    Raises:
        Refused: a name that could run code; nothing was called.
        Unread: a compiled program (TorchScript), or a kind of tensor that is not read.
        pickle.UnpicklingError, EOFError, zipfile.BadZipFile and others: not whole.
    """
    file = io.BytesIO(content) if isinstance(content, bytes) else content
    zipped = file.read(2) == b"PK"
    file.seek(0)
    return plain(_from_zip(file) if zipped else _from_sequence(file))


def _from_zip(file: io.BufferedIOBase) -> Any:
    with zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        (name,) = (each for each in names if each.rpartition("/")[2] == "data.pkl")
        folder = name.removesuffix("data.pkl")
        if f"{folder}constants.pkl" in names:
            raise Unread("a TorchScript program")
        order = archive.read(f"{folder}byteorder") if f"{folder}byteorder" in names else b"little"
        made: dict[str, Storage] = {}

        def stored(dtype: Any, key: str, *_: Any) -> Storage:
            if key not in made:
                swapped = np.dtype(dtype).newbyteorder(">") if order == b"big" else dtype
                made[key] = Storage(swapped)
                made[key].read(archive.read(f"{folder}data/{key}"))
            return made[key]

        return Reader(io.BytesIO(archive.read(name)), TORCH_NAMES, stored).load()


def _from_sequence(file: io.BufferedIOBase) -> Any:
    storages: dict[str, Storage] = {}

    def stored(dtype: Any, key: str, _location: Any, _count: Any, view: Any = None, *_: Any) -> Storage:
        if view is not None:
            raise Unread("views of storages, as torch wrote them before version 0.4")
        return storages.setdefault(key, Storage(dtype))

    if Reader(file).load() != MAGIC:
        raise pickle.UnpicklingError("not a torch file")
    for _ in ("protocol", "system"):
        Reader(file).load()
    result = Reader(file, TORCH_NAMES, stored).load()
    for key in Reader(file).load():
        (count,) = struct.unpack("<q", file.read(8))
        content = file.read(count * storages[key].dtype.itemsize)
        if len(content) < count * storages[key].dtype.itemsize:
            raise EOFError
        storages[key].read(content)
    return result
