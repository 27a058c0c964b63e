"""Compiled programs kept in the cache folder, by JAX's persistent compilation cache.

The command line's second run does not compile again. A folder for each version of JAX; without one that can be written
everything works as without.
"""

import importlib.metadata
import logging
import os
import shutil
import sys
import warnings
from pathlib import Path
from typing import Any

from lin_ft.errors import InputError
from lin_ft.files.cache import cache_dir, disk_errors

logger = logging.getLogger(__name__)

SETTINGS = {
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
LEAST_ROOM = 2**28
"""Bytes that must be free: a few hundred programs, of kilobytes to megabytes each."""


def programs_dir() -> Path:
    """The folder of the programs that this version of JAX compiled."""
    return cache_dir() / "programs" / f"jax-{importlib.metadata.version('jaxlib')}"


def keep_programs() -> Path | None:
    """Let JAX, which must not have been imported yet, keep what it compiles; None, after one sentence, if it cannot.

    A folder that the user chose (JAX_COMPILATION_CACHE_DIR) stays, and so does JAX_ENABLE_COMPILATION_CACHE=false.
    """
    if "JAX_COMPILATION_CACHE_DIR" in os.environ or "jax" in sys.modules:
        return None
    folder = programs_dir()
    try:
        new = not folder.is_dir()
        with disk_errors(cache_dir()):
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / f".probe-{os.getpid()}"
            probe.write_bytes(b"0")
            probe.unlink()
        if shutil.disk_usage(folder).free < LEAST_ROOM:
            raise InputError(
                f"The disk that holds {cache_dir()} is nearly full: free some space or set LIN_FT_CACHE to another"
                " folder."
            )
    except InputError as error:
        logger.warning("Compiled programs are not kept, so every run compiles anew. %s", error)
        return None
    if new:
        _say_what_others_left(folder)
    for name, value in {**SETTINGS, "JAX_COMPILATION_CACHE_DIR": str(folder)}.items():
        os.environ.setdefault(name, value)
    _say_failures_once()
    return folder


def _say_what_others_left(folder: Path) -> None:
    others = [path for path in sorted(folder.parent.iterdir()) if path.is_dir() and path != folder]
    if others:
        kept = sum(file.stat().st_size for path in others for file in path.rglob("*") if file.is_file())
        logger.info(
            "Compiled programs of other versions (%s, %.0f MB) are not used by %s; `lin-ft cache clear --only programs`"
            " removes all.",
            ", ".join(path.name for path in others), kept / 1e6, folder.name,
        )  # fmt: skip


def _say_failures_once() -> None:
    """JAX warns for each program that it cannot read or write; that is one matter, and no result depends on it."""
    show, said = warnings.showwarning, []

    def once(message: Any, *arguments: Any, **named: Any) -> None:
        text = str(message)
        if "persistent compilation cache" not in text:
            show(message, *arguments, **named)
        elif not said:
            said.append(text)
            logger.warning("Some compiled programs could not be kept or read, and were compiled anew: %s", text[:200])

    warnings.showwarning = once
