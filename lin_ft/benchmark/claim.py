"""One worker at a time: an advisory lock (flock), which the kernel drops when its process ends in whatever way.

So kill -9 leaves no claim behind. Results stay right even where locks do nothing, as on some network file systems: two
workers may then do one cell twice, with equal results.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from lin_ft.errors import InputError


@contextlib.contextmanager
def locked(path: Path) -> Iterator[bool]:
    """True inside the block if no other process holds the lock file; it is gone afterwards.

    Raises:
        InputError: the file cannot be made there.
    """
    handle = _lock(path)
    try:
        yield handle is not None
    finally:
        if handle is not None:
            path.unlink(missing_ok=True)  # while still locked: see _lock
            os.close(handle)


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
