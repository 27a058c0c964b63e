"""One file a cell: written atomically, checked when read, claimed by one worker at a time.

    FOLDER/cells/…json    finished cells; a half-cut or altered file counts as missing
    FOLDER/failed/…json   cells that raised an error, with it; tried again by the next run
    FOLDER/claims/…lock   locked while a worker is at the cell

A claim is an advisory lock (flock), which the kernel drops when its process ends in whatever way: kill -9 leaves no
claim behind. Cells stay right even where locks do nothing, as on some network file systems: two workers may then do
one cell twice, and the later rename wins with an equal result.
"""

import contextlib
import dataclasses
import hashlib
import json
import logging
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

from lin_ft.benchmark.config import Cell
from lin_ft.errors import InputError
from lin_ft.files.atomic import write_atomically

logger = logging.getLogger(__name__)
State = Literal["done", "diverged", "failed", "running", "missing"]


@dataclasses.dataclass(frozen=True)
class Store:
    """The cells in a folder, which need not exist yet."""

    folder: Path

    def read(self, cell: Cell) -> dict[str, Any] | None:
        """The finished cell; None where there is none, or (with a warning) none that is whole."""
        path = self.folder / "cells" / cell.filename
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}); check its permissions.") from error
        try:
            values = json.loads(text)
            whole = values.pop("digest") == _digest(values) and values["key"] == cell.key
        except (ValueError, KeyError, AttributeError, TypeError):
            whole = False
        if not whole:
            logger.warning("%s: damaged, counted as missing.", path.name)
            return None
        return values

    def write(self, cell: Cell, values: dict[str, Any]) -> None:
        """Atomically; any failure record goes. Raises InputError when the disk is full or read-only."""
        values = {**dataclasses.asdict(cell), "settings": dict(cell.settings), "key": cell.key, **values}
        values = json.loads(json.dumps(values, default=float))
        text = json.dumps({**values, "digest": _digest(values)}, indent=1) + "\n"
        path = self.folder / "cells" / cell.filename
        write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
        self._failure(cell).unlink(missing_ok=True)

    def fail(self, cell: Cell, error: str, trace: str) -> None:
        """Keep why a cell could not be done."""
        text = json.dumps({"cell": cell.label, "key": cell.key, "error": error, "traceback": trace}, indent=1) + "\n"
        write_atomically(self._failure(cell), lambda temporary: temporary.write_text(text, encoding="utf-8"))

    def failure(self, cell: Cell) -> str | None:
        """Why a cell failed; None when it has not."""
        try:
            return json.loads(self._failure(cell).read_text(encoding="utf-8"))["error"]
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            return "unreadable failure record"

    def forget_failures(self, cells: Sequence[Cell]) -> None:
        for cell in cells:
            self._failure(cell).unlink(missing_ok=True)

    def _failure(self, cell: Cell) -> Path:
        return self.folder / "failed" / cell.filename

    @contextlib.contextmanager
    def claim(self, cell: Cell) -> Iterator[bool]:
        """True inside the block if no one else is at the cell, and no one else will be while the block runs."""
        path = self.folder / "claims" / f"{cell.key}.lock"
        handle = _lock(path)
        try:
            yield handle is not None
        finally:
            if handle is not None:
                path.unlink(missing_ok=True)  # while still locked: see _lock
                os.close(handle)

    def running(self, cell: Cell) -> bool:
        path = self.folder / "claims" / f"{cell.key}.lock"
        if not path.exists():
            return False
        handle = _lock(path)
        if handle is None:
            return True
        path.unlink(missing_ok=True)  # left by a worker that was killed
        os.close(handle)
        return False

    def state(self, cell: Cell) -> State:
        values = self.read(cell)
        if values is not None:
            return "diverged" if values.get("status") == "diverged" else "done"
        if self.running(cell):
            return "running"
        return "missing" if self.failure(cell) is None else "failed"


def _lock(path: Path) -> int | None:
    """An open, locked file; None when another process holds it.

    The holder unlinks before it unlocks, so a lock gained on a file that is no longer at `path` is worth nothing.
    """
    import fcntl

    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise InputError(f"{path}: cannot be written ({error.strerror}); choose a writable folder.") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(handle).st_ino == os.stat(path).st_ino:
                return handle
        except FileNotFoundError:
            pass
        except OSError:
            os.close(handle)
            return None
        os.close(handle)


def _digest(values: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
