"""What is finished of a benchmark, in one folder; found by what it was made of, claimed by one worker at a time.

    FOLDER/{finetune,scores}.jsonl.gz   finished work, packed (`lin-ft bench pack`); see lin_ft.benchmark.packed
    FOLDER/cells/…json                  finished since, one piece of work a file; what is not whole counts as missing
    FOLDER/failed/…json                 cells that raised an error, with it; tried again by the next run
    FOLDER/claims/…lock                 locked while a worker is at the cell

A record counts where everything that it was made of is as it is now: the weights, what the card says of the network and
its input, the images and labels themselves, the settings. Where a thing is not on this machine (a packaged data set
not yet built, a zoo not yet fetched) it cannot be compared, and the record is taken as it is.

A task that is named by a path is the same task wherever its images lie.
"""

import contextlib
import json
import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from lin_ft.benchmark.claim import locked
from lin_ft.benchmark.config import PARTS, Cell, Wanted
from lin_ft.benchmark.draws import Draws, is_packaged, is_path
from lin_ft.benchmark.entry import Entry, Record, dumped, new_entry, opened, records_of, settings_agree
from lin_ft.benchmark.packed import packed_path, read_packed
from lin_ft.benchmark.suite import sees_source
from lin_ft.errors import InputError
from lin_ft.files.atomic import write_atomically

logger = logging.getLogger(__name__)
State = Literal["done", "diverged", "failed", "running", "partial", "missing"]
WEIGHTS, CARD, IMAGES, SOURCE = "weights", "normalisation or network options", "images or labels", "source images"
"""What an outdated record was made of, where that is no longer so."""
Stamp = tuple[int, int, int]


class Found(NamedTuple):
    """What there is of a cell."""

    records: dict[Wanted, Record]
    outdated: dict[Wanted, str]
    """Of those not found: there is one by the same settings, but other WEIGHTS, CARD, IMAGES or SOURCE."""


class Store:
    """The finished work in a folder, which need not exist yet. `refresh` looks at the folder again."""

    def __init__(self, folder: Path, draws: Draws | None = None, *, with_older: bool = False, repair: bool = False):
        """`repair`: of a damaged packed file take what can be read, which is refused otherwise."""
        self.folder = folder
        self.draws = draws or Draws()
        self.older: dict[Path, Entry] = {}
        """Cells of the format before this one; refused unless `with_older`."""
        self._with_older, self._repair = with_older, repair
        self._read: dict[Path, tuple[Stamp, Entry | None]] = {}
        self._packed: dict[str, tuple[Stamp, list[Entry]]] = {}
        self._index: dict[tuple, list[Entry]] | None = None
        self._found: dict[Cell, Found] = {}

    # finding

    def find(self, cell: Cell) -> Found:
        """The records of the cell that are there, as of the last `refresh`."""
        index = self.index()
        if cell not in self._found:
            self._found[cell] = self._find(cell, index)
        return self._found[cell]

    def _find(self, cell: Cell, index: Mapping[tuple, list[Entry]]) -> Found:
        wanted = {each.identity: each for each in cell.wanted}
        found: dict[Wanted, Record] = {}
        outdated: dict[Wanted, str] = {}
        for entry in index.get((cell.part, cell.model, cell.shots, cell.seed, cell.image_size), ()):
            moved = entry["task"] != cell.task
            if moved and (is_packaged(entry["task"]) or not is_path(cell.task)):
                continue
            for identity, settings, record in records_of(entry):
                each = wanted.get(identity)
                if each is None or each in found or not settings_agree(cell.part, settings, each.settings):
                    continue
                other = self._differs(entry, cell, each, certain=moved)
                if other is None:
                    found[each] = record
                elif not moved:
                    outdated[each] = other
        return Found(found, {each: what for each, what in outdated.items() if each not in found})

    def missing(self, cell: Cell) -> tuple[Wanted, ...]:
        """What is still to be computed of the cell."""
        found = self.find(cell).records
        return tuple(each for each in cell.wanted if each not in found)

    def _differs(self, entry: Entry, cell: Cell, wanted: Wanted, *, certain: bool) -> str | None:
        """The first thing that is not as it was; None: all are, or cannot be compared (and that is not required)."""
        made_of = entry["made_of"]
        for name, value in cell.of_model:
            if made_of.get(name) != value:
                return {"weights": WEIGHTS, "card": CARD}[name]
        try:
            now = self.draws.digests(cell.task, cell.shots, cell.seed, cell.image_size, cell.max_test)
        except InputError:
            return IMAGES  # such a draw cannot be made of what lies there now
        if now is None:
            return IMAGES if certain else None
        if made_of["train"] != now.train or (cell.part == "finetune" and made_of["held_out"] != now.held_out):
            return IMAGES
        if sees_source(wanted) and made_of.get("source") != source_digest(self.draws, cell, wanted, made_of):
            return SOURCE
        return None

    def state(self, cell: Cell) -> State:
        """How far a cell is. `partial`: some of its records are there, and nobody is at work on the others."""
        missing = self.missing(cell)
        if not missing:
            (first, *_) = self.find(cell).records.values()
            return "diverged" if first.entry["status"] == "diverged" else "done"
        if self.running(cell):
            return "running"
        if self.failure(cell) is not None:
            return "failed"
        return "partial" if len(missing) < len(cell.wanted) else "missing"

    # reading

    def refresh(self) -> None:
        """See what others have finished since. Cells first, then packed files: a record is at all times in one."""
        if self._look_at_cells() | self._look_at_packed() or self._index is None:
            index: dict[tuple, list[Entry]] = {}
            for entry in self.entries():
                place = tuple(entry[name] for name in ("part", "model", "shots", "seed", "image_size"))
                index.setdefault(place, []).append(entry)
            self._index, self._found = index, {}

    def index(self) -> Mapping[tuple, list[Entry]]:
        """Place of a cell -> its entries, as they were when the folder was last looked at."""
        if self._index is None:
            self.refresh()
        assert self._index is not None
        return self._index

    def entries(self) -> Iterator[Entry]:
        """Everything that is finished, whatever configuration it belongs to."""
        for _, entries in self._packed.values():
            yield from entries
        yield from self.unpacked().values()

    def unpacked(self) -> dict[Path, Entry]:
        """The finished work that lies in files of its own."""
        return {path: entry for path, (_, entry) in sorted(self._read.items()) if entry is not None}

    def damaged(self) -> list[str]:
        """Names of the files that hold no whole entry."""
        return [
            path.name for path, (_, entry) in sorted(self._read.items()) if entry is None and path not in self.older
        ]

    def size(self) -> int:
        """Bytes of all finished work on disk."""
        packed = [packed_path(self.folder, part) for part in PARTS]
        return sum(path.stat().st_size for path in (*packed, *self._read) if path.exists())

    def _look_at_cells(self) -> bool:
        there = dict(_stamps(self.folder / "cells"))
        changed = {path for path, stamp in there.items() if path not in self._read or self._read[path][0] != stamp}
        gone = self._read.keys() - there.keys()
        for path in gone:
            del self._read[path]
        for path in changed:
            try:
                self._read[path] = there[path], self._opened(path)
            except FileNotFoundError:
                self._read.pop(path, None)  # packed just now: the packed file is looked at next
        return bool(changed or gone)

    def _opened(self, path: Path) -> Entry | None:
        try:
            entry = opened(path.read_bytes())
        except FileNotFoundError:
            raise
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}); check its permissions.") from error
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
        if entry is None:
            logger.warning("%s: damaged, counted as missing.", path.name)
        elif "format" not in entry:
            self.older[path] = entry
            if not self._with_older:
                raise InputError(
                    f"{path}: a cell of an older format; take over what is finished by"
                    f" `lin-ft bench pack CONFIG --out {self.folder}`."
                )
            return None
        return entry

    def _look_at_packed(self) -> bool:
        changed = False
        for part in PARTS:
            path = packed_path(self.folder, part)
            stamp = _stamp(path)
            if stamp != self._packed.get(part, (None,))[0]:
                changed = True
                self._packed.pop(part, None)
                if stamp is not None:
                    self._packed[part] = stamp, read_packed(path, repair=self._repair)
        return changed

    # writing

    def write(self, cell: Cell, values: Mapping[str, Any]) -> None:
        """Atomically; any failure record goes. Raises InputError when the disk is full or read-only."""
        entry = new_entry(cell, values)
        path = self.folder / "cells" / f"{cell.stem}-{entry['key']}.json"
        text = dumped(entry) + "\n"
        write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
        self._failure(cell).unlink(missing_ok=True)

    def fail(self, cell: Cell, error: str, trace: str) -> None:
        """Keep why a cell could not be done."""
        text = json.dumps({"cell": cell.label, "error": error, "traceback": trace}, indent=1) + "\n"
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
        """Remove what was noted of failures of these cells, so that they are tried again."""
        for cell in cells:
            self._failure(cell).unlink(missing_ok=True)

    def _failure(self, cell: Cell) -> Path:
        return self.folder / "failed" / f"{cell.stem}-{cell.place}.json"

    # claiming

    @contextlib.contextmanager
    def claim(self, cell: Cell) -> Iterator[bool]:
        """True inside the block if no one else is at the cell, and no one else will be while the block runs."""
        with locked(self.folder / "claims" / f"{cell.place}.lock") as mine:
            yield mine

    def running(self, cell: Cell) -> bool:
        """Whether a living worker holds the cell."""
        path = self.folder / "claims" / f"{cell.place}.lock"
        if not path.exists():
            return False
        with locked(path) as mine:  # gained: left by a worker that was killed, and gone afterwards
            return not mine


def source_digest(draws: Draws, cell: Cell, wanted: Wanted, made_of: Mapping[str, str]) -> str | None:
    """Of the model's source images as they are now; what the record has where they are not on this machine."""
    shots = int(dict(wanted.settings)["source_shots"])
    try:
        now = draws.digests(cell.source, shots, cell.seed, cell.image_size, cell.max_test)
    except InputError:
        now = None
    return made_of.get("source") if now is None else now.train


def outdated(found: Iterable[Found]) -> Counter[str]:
    """How many records are of other weights, images, ..."""
    return Counter(what for each in found for what in each.outdated.values())


def _stamps(folder: Path) -> Iterator[tuple[Path, Stamp]]:
    try:
        with os.scandir(folder) as found:
            for each in found:
                if each.name.endswith(".json") and not each.name.startswith("."):
                    with contextlib.suppress(FileNotFoundError):
                        stat = each.stat()
                        yield Path(each.path), (stat.st_mtime_ns, stat.st_size, stat.st_ino)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise InputError(f"{folder}: cannot be read ({error.strerror}); check its permissions.") from error


def _stamp(path: Path) -> Stamp | None:
    try:
        stat = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
