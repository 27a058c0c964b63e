"""The images that a record was made of: the draw of a task, and digests of what is in it.

A digest is of the images and labels themselves, not of a path or a name, so a folder may move and a label may not. To
know it without reading all images again, it is kept in the cache folder under what the files look like from outside
(names, sizes, time stamps) and under the code that draws.
"""

import contextlib
import dataclasses
import functools
import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from lin_ft import data
from lin_ft.benchmark.config import digest
from lin_ft.data import Task, load_task
from lin_ft.data.identity import images_digest
from lin_ft.data.packaged import packaged, packaged_names
from lin_ft.data.store import store_dir, stored_version
from lin_ft.errors import InputError
from lin_ft.files.atomic import write_atomically
from lin_ft.files.cache import cache_dir

FRESH = 2.0
"""Seconds: files that changed so lately may change again within the same time stamp, and are read each time."""


@dataclasses.dataclass(frozen=True)
class Digests:
    """16 hexadecimal digits each: of the training images and their labels; of those that validate and that test."""

    train: str
    held_out: str


class Draws:
    """Tasks as they are now. Looks at each source once: make a new one for a new look."""

    def __init__(self):
        self.task = functools.lru_cache(maxsize=2)(self._task)
        self.digests = functools.cache(self._digests)
        self.state = functools.cache(state_of)

    def _task(self, source: str, shots: int, seed: int, size: int, max_test: int) -> Task:
        """The draw; `shots` 0: all training images but the tenth that validates."""
        before = self.state(source)
        task = load_task(source, shots=max(shots, 1), whole=not shots, seed=seed, size=size, max_test=max_test)
        if before is not None and before == state_of(source):
            _keep(_memo(before, shots, seed, size, max_test), digests_of(task))
        return task

    def _digests(self, source: str, shots: int, seed: int, size: int, max_test: int) -> Digests | None:
        """Of the draw; None where the data is not on this machine: nothing is fetched or built to know it.

        Raises InputError where it is there and cannot be drawn from.
        """
        if files_of(source) is None:
            return None
        state = self.state(source)
        if state is not None and (kept := _kept(_memo(state, shots, seed, size, max_test))):
            return kept
        return digests_of(self.task(source, shots, seed, size, max_test))


def digests_of(task: Task) -> Digests:
    """Digests of the images of a draw: those that scores see, and those that only fine-tuning sees."""
    return Digests(images_digest(task.n_classes, task.train), images_digest(task.n_classes, task.validation, task.test))


@functools.cache
def is_packaged(source: str) -> bool:
    """Whether a data set of this name comes with a package: its images are known without its files."""
    return source in packaged_names()


def is_path(source: str) -> bool:
    """Whether a task is named by where it lies, and not by what it is."""
    return not is_packaged(source) and Path(source).expanduser().exists()


def files_of(source: str) -> Path | None:
    """Where the data of a task lies, a folder or a file; None where it is not on this machine yet."""
    if is_packaged(source):
        store = store_dir() / source / packaged(source).version
        return store if store.is_dir() else None
    path = Path(source).expanduser()
    if path.exists():
        return path
    stores = store_dir(), Path(os.environ.get("TFDS_DATA_DIR", "~/tensorflow_datasets")).expanduser()
    return next((found for folder in stores if (found := stored_version(folder / source))), None)


def state_of(source: str) -> str | None:
    """What the files of a task look like from outside; None where that says too little: none, or just changed."""
    root = files_of(source)
    if root is None:
        return None
    found, newest = hashlib.sha256(), 0.0
    for path in sorted(_walk(root)):
        with contextlib.suppress(OSError):
            stat = os.stat(path)
            newest = max(newest, stat.st_mtime, stat.st_ctime)
            facts = [path, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns]
            found.update(json.dumps(facts).encode("utf-8", "surrogateescape"))
    return None if newest > time.time() - FRESH else found.hexdigest()


def _walk(root: Path) -> Iterator[str]:
    """All files below a folder, linked folders entered once; or the file itself."""
    if root.is_file():
        yield str(root)
    entered: set[tuple[int, int]] = set()
    for folder, names, files in os.walk(root, followlinks=True):
        stat = os.stat(folder)
        if (stat.st_dev, stat.st_ino) in entered:
            names.clear()
            continue
        entered.add((stat.st_dev, stat.st_ino))
        yield from (os.path.join(folder, name) for name in files)


@functools.cache
def _code() -> str:
    """SHA-256 of the code that reads and draws: a change of it makes no kept digest wrong."""
    found = hashlib.sha256()
    for path in sorted(Path(str(data.__file__)).parent.rglob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()


def _memo(state: str, *draw: int) -> Path:
    return cache_dir() / "digests" / f"{digest([_code(), state, *draw])}.json"


def _kept(path: Path) -> Digests | None:
    try:
        return Digests(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _keep(path: Path, digests: Digests) -> None:
    text = json.dumps(dataclasses.asdict(digests)) + "\n"
    with contextlib.suppress(InputError):  # a cache that cannot be written is done without
        write_atomically(path, lambda temporary: temporary.write_text(text))
