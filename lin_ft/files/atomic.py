"""A file is there whole or not at all."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from lin_ft.errors import InputError


def write_atomically(path: str | Path, write: Callable[[Path], object]) -> None:
    """Call `write(temporary_path)`, flush to disk, then rename: readers see the old file or the new one, never half."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(temporary)
        with open(temporary, "rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{path}: cannot be written ({reason}); choose a writable folder with space.") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
