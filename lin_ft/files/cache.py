"""Where fetched and built data lies, and how a file or folder gets there whole or not at all."""

import contextlib
import errno
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from lin_ft.errors import InputError

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_DISK_FULL_TEXTS = ("No space left", "File too large", "quota exceeded", "RESOURCE_EXHAUSTED")
_NOT_WRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENOENT)


def cache_dir() -> Path:
    """The folder of all fetched and built data: $LIN_FT_CACHE, else the user's cache folder."""
    chosen = os.environ.get("LIN_FT_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("lin_ft", appauthor=False))


def says_disk_full(text: str) -> bool:
    """Whether another program's error message means that the disk is full."""
    return any(sign in text for sign in _DISK_FULL_TEXTS)


@contextlib.contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turns a full disk or an unwritable `folder` into one InputError.

    Errors that C++ writers raise without an errno are recognised by their text.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        code = error.errno if isinstance(error, OSError) else None
        text = str(error)
        if code in _DISK_FULL or says_disk_full(text):
            raise InputError(
                f"The disk that holds {folder} is full: free some space or set LIN_FT_CACHE to another folder."
            ) from error
        if code in _NOT_WRITABLE or "Permission denied" in text or "Read-only file system" in text:
            raise InputError(
                f"The cache folder {folder} cannot be written: set LIN_FT_CACHE to a folder that can."
            ) from error
        raise


@contextlib.contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """A temporary folder beside the final place, on the same file system; gone afterwards whatever happens.

    What a killed process left in `parent` is removed first; a running process's folder is not touched.
    """
    with disk_errors(parent):
        parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(parent)
        folder = Path(tempfile.mkdtemp(prefix=f".partial-{socket.gethostname()}-{os.getpid()}-", dir=parent))
    try:
        with disk_errors(parent):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_leftovers(parent: Path) -> None:
    prefix = f".partial-{socket.gethostname()}-"
    for folder in parent.glob(f"{prefix}*"):
        pid = folder.name.removeprefix(prefix).split("-")[0]
        if pid.isdigit() and not _is_running(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def move_into_place(finished: Path, target: Path) -> None:
    """Flushes `finished` (a file or a folder) to disk and renames it to `target` in one step.

    A folder another process finished first is kept and ours dropped; a file is replaced.
    """
    for path in [finished, *finished.rglob("*")] if finished.is_dir() else [finished]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.replace(finished, target)
    except OSError:
        if not (finished.is_dir() and target.is_dir()):
            raise
