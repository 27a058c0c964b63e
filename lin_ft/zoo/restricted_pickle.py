"""Arrays and plain data out of pickles without running any code: every name is one of KNOWN, or the pickle is refused.

A pickle calls whatever it names. Here a name stands for a stand-in of this module that only keeps what it is given, or
for a container of the standard library; any other name is refused before anything is called. Arrays of NumPy are built
from their bytes, not by NumPy's own unpickling, which trusts what it is told of their type.
"""

import collections
import functools
import io
import pickle
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np


class Refused(pickle.UnpicklingError):
    """The pickle names something that could run code. The message is that name alone: module.name."""


class Unread(pickle.UnpicklingError):
    """A kind of tensor, or of file, that is data but is not read here."""


class Leaf:
    """Stands for an array: `array()` once the pickle is read."""

    def array(self) -> Any:
        """The numbers, as a NumPy array."""
        raise NotImplementedError


class Record:
    """An object as the attributes it was saved with: an argparse.Namespace, a types.SimpleNamespace."""

    def __init__(self, *_: Any, **attributes: Any):
        self.__dict__.update(attributes)


class Dtype:
    """A NumPy dtype of plain numbers or texts; of others, `None`: their arrays are lists."""

    def __init__(self, code: Any = "V", *_: Any):
        self.code = str(code)
        self.order = "="

    def __setstate__(self, state: Any) -> None:
        self.order = state[1] if isinstance(state, tuple) and len(state) > 1 else "="

    @property
    def dtype(self) -> np.dtype | None:
        """The dtype in the byte order that was stated; None where it is of no plain numbers or texts."""
        try:
            dtype = np.dtype(self.code)
        except (TypeError, ValueError):
            return None
        swapped = dtype.newbyteorder(">" if self.order == ">" else "<" if self.order == "<" else "=")
        return swapped if dtype.kind in "biufcSUMm" else None


class Array(Leaf):
    """A NumPy array."""

    def __init__(self, *_: Any):
        self.shape: tuple[int, ...] = (0,)
        self.type, self.fortran, self.content = Dtype("f4"), False, b""

    def __setstate__(self, state: tuple) -> None:
        _, self.shape, self.type, self.fortran, self.content = state

    def array(self) -> Any:
        """A copy of the numbers; a plain list where the dtype is none of plain numbers or texts."""
        dtype = self.type.dtype if isinstance(self.type, Dtype) else None
        if dtype is None:
            return plain(self.content)
        content = self.content.encode("latin1") if isinstance(self.content, str) else self.content
        return np.frombuffer(content, dtype).reshape(self.shape, order="F" if self.fortran else "C").copy()


def _from_buffer(content: Any, dtype: Any, shape: Any, order: str) -> Array:
    made = Array()
    made.__setstate__((1, shape, dtype, order == "F", bytes(content)))
    return made


def _scalar(dtype: Any, content: Any = b"") -> Any:
    made = Array()
    made.__setstate__((1, (), dtype, False, content))
    return made


def _path(*parts: str) -> str:
    return "/".join(map(str, parts)).replace("//", "/")


def _rebuilt(kind: Any, *_: Any) -> Any:
    """`copyreg._reconstructor`, of pickles before protocol 2."""
    if not (isinstance(kind, type) and issubclass(kind, Record)):
        raise Refused("copyreg._reconstructor")
    return kind()


def _counted(counts: Any = ()) -> Any:
    return dict(counts) if isinstance(counts, Mapping) else list(counts)


_PATHS = ("Path", "PosixPath", "PurePath", "PurePosixPath", "PureWindowsPath", "WindowsPath")
_PLAIN = {
    "list": list, "tuple": tuple, "dict": dict, "set": set, "frozenset": frozenset, "int": int, "float": float,
    "complex": complex, "bool": bool, "str": str, "object": Record, "bytearray": lambda content=b"", *_: content,
    "bytes": lambda content=b"", *_: content, "range": lambda *bounds: bounds, "slice": lambda *bounds: bounds,
    "long": int, "unicode": str, "xrange": lambda *bounds: bounds,
}  # fmt: skip
KNOWN: dict[tuple[str, str], Any] = {
    **{(module, name): value for module in ("builtins", "__builtin__") for name, value in _PLAIN.items()},
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("collections", "Counter"): _counted,
    ("collections", "defaultdict"): lambda *_: {},
    ("collections", "deque"): lambda items=(), *_: list(items),
    ("argparse", "Namespace"): Record,
    ("types", "SimpleNamespace"): Record,
    ("datetime", "datetime"): lambda *parts: parts,
    ("datetime", "date"): lambda *parts: parts,
    ("datetime", "timedelta"): lambda *parts: parts,
    **{(module, name): _path for module in ("pathlib", "pathlib._local") for name in _PATHS},
    **{(module, "_reconstructor"): _rebuilt for module in ("copyreg", "copy_reg")},
    ("_codecs", "encode"): lambda text, *_: text.encode("latin1"),
    ("numpy", "ndarray"): Array,
    ("numpy", "dtype"): Dtype,
    **{
        (f"numpy.{core}.{name}", function): stand_in
        for core in ("core", "_core")
        for name, function, stand_in in (
            ("multiarray", "_reconstruct", Array),
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", _from_buffer),
        )
    },
}
"""What may stand in a pickle -> what is called in its place."""


class Reader(pickle.Unpickler):
    """Refuses every name that is neither of KNOWN nor of `more`; `stored` gives what persistent ids stand for."""

    def __init__(self, file: Any, more: Mapping[tuple[str, str], Any] | None = None, stored: Callable | None = None):
        super().__init__(file, encoding="latin1")
        self._known = KNOWN | dict(more or {})
        self._stored = stored

    def find_class(self, module: str, name: str) -> Any:
        """As pickle asks: what a name stands for, if it is known."""
        if (module, name) not in self._known:
            kind = Unread if module in ("torch._utils", "torch._tensor", "torch") else Refused
            raise kind(f"{module}.{name}")
        found = self._known[module, name]
        if isinstance(found, type) and found.__module__ not in ("builtins", "collections"):
            return type(found.__name__, (found,), {})  # the pickle may set attributes of a class: of one of its own
        return functools.partial(found) if callable(found) and not isinstance(found, type) else found

    def persistent_load(self, pid: Any) -> Any:
        """As pickle asks: the storage of a persistent id."""
        if self._stored is None or not isinstance(pid, tuple) or pid[:1] != ("storage",):
            raise Refused("a persistent object")
        return self._stored(*pid[1:])


def load_pickle(content: bytes) -> Any:
    """The object of a pickle of plain containers, numbers, texts and NumPy arrays; records are dicts.

    Raises:
        Refused, Unread: a name that is not of KNOWN; nothing was called.
        pickle.UnpicklingError, EOFError and others: not whole.
    """
    return plain(Reader(io.BytesIO(content)).load())


def plain(value: Any) -> Any:
    """Stand-ins as the data they hold, at any depth: arrays, dicts of records, names of types."""
    if isinstance(value, Leaf):
        value = value.array()
        return value[()] if isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind != "V" else value
    if isinstance(value, Dtype):
        return value.code
    if isinstance(value, Record):
        return {str(key): plain(each) for key, each in vars(value).items()}
    if isinstance(value, Mapping):
        return {key if isinstance(key, (str, int, tuple)) else str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return tuple(plain(each) for each in value) if isinstance(value, tuple) else value
