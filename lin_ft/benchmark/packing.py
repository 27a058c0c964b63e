"""Finished work folded into the packed files.

Cut off at any point, every record is in at least one place: the packed file is replaced in one step, and only then the
files that went into it are removed.
"""

import contextlib
import dataclasses
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lin_ft.benchmark.claim import locked
from lin_ft.benchmark.config import PARTS, BenchConfig, Cell
from lin_ft.benchmark.entry import Entry, records_of, sealed
from lin_ft.benchmark.older import Converter, older_cells
from lin_ft.benchmark.packed import packed_path, read_packed, write_packed
from lin_ft.benchmark.store import Store
from lin_ft.errors import InputError
from lin_ft.zoo import ZooModel

FORGOTTEN = 3600
"""Seconds after which a half-written file is what a killed process left."""


@dataclasses.dataclass
class Packed:
    """What `pack` did: numbers of records, by part."""

    total: Counter[str]
    folded: Counter[str]
    pruned: Counter[str]
    refused: dict[str, list[str]]
    """Why cells of the older format were not taken -> their files' names."""
    dropped: Counter[str]
    """Scores of cells of the older format that there are no longer -> their number."""
    unseen: Counter[str]
    """Sources whose images are not here, so that scores made of them are taken as they are -> number of cells."""
    damaged: list[str]
    """Cells that are not whole: left where they are."""


def pack(
    store: Store, config: BenchConfig, models: Sequence[ZooModel], cells: Sequence[Cell], *, older: Path | None = None,
    repair: bool = False, prune: bool = False,
) -> Packed:  # fmt: skip
    """Fold all finished work of the store's folder into its packed files.

    That of `older`, a folder of cells of the older format, goes with it; the folder is left as it is.

    `repair`: go on with what can be read of a damaged packed file. `prune`: drop what the cells do not ask for.

    Raises:
        InputError: another `pack` is at work, a full disk, a packed file that is damaged or of another format.
    """
    with locked(store.folder / "claims" / "pack.lock") as mine:
        if not mine:
            raise InputError(f"{store.folder}: another `lin-ft bench pack` is at work there; wait for it.")
        store.refresh()
        converter = Converter(config, models, store.draws)
        new = store.unpacked()
        own = {path: entry for path, entry in store.older.items() if path.exists()}
        old_entries = [*older_cells(own, converter), *(older_cells(_read(older), converter) if older else [])]
        done = Packed(
            Counter(),
            Counter(),
            Counter(),
            converter.refused,
            converter.dropped,
            converter.unseen,
            store.damaged(),
        )
        for part in PARTS:
            path = packed_path(store.folder, part)
            kept = read_packed(path, repair=repair)
            known = {key for entry in kept for key in keys_of(entry)}
            before = len(known)
            fresh = [entry for entry in (*new.values(), *old_entries) if entry["part"] == part]
            entries = [*kept, *_unknown(fresh, known)]
            done.folded[part] = len(known) - before
            done.total[part] = len(known)
            if entries or path.exists():
                write_packed(path, part, entries)
        for path in new:
            path.unlink(missing_ok=True)
        for path in own:
            _put_away(path, refused=path.name in {name for names in converter.refused.values() for name in names})
        _sweep(store.folder)
        store.refresh()
        if prune:
            _prune(store, cells, done)
    return done


def _prune(store: Store, cells: Sequence[Cell], done: Packed) -> None:
    """Drop what the cells do not ask for, now that everything is packed."""
    wanted = _wanted(store, cells)
    for part in PARTS:
        path = packed_path(store.folder, part)
        entries = [entry for each in read_packed(path) if (entry := _only(each, wanted)) is not None]
        kept = sum(1 for entry in entries for _ in records_of(entry))
        done.pruned[part] = done.total[part] - kept
        done.total[part] = kept
        if done.pruned[part]:
            write_packed(path, part, entries)
    store.refresh()


def keys_of(entry: Entry) -> Iterator[str]:
    """What each record of an entry is and was made of, in the order of `records_of`."""
    place = [entry[name] for name in ("part", "model", "task", "shots", "seed", "image_size")]
    for identity, settings, _ in records_of(entry):
        source = int(settings.get("source_shots", 0)) > 0
        made_of = {name: value for name, value in entry["made_of"].items() if source or name != "source"}
        yield json.dumps([place, identity, settings, made_of], sort_keys=True)


def _unknown(entries: Iterable[Entry], known: set[str]) -> Iterator[Entry]:
    """The entries without the records that are known; these grow."""
    for entry in entries:
        new = set(keys_of(entry)) - known
        known |= new
        rest = _only(entry, new)
        if rest is not None:
            yield rest


def _only(entry: Entry, keys: set[str]) -> Entry | None:
    """The entry with those records alone; None where none is left."""
    keep = [key in keys for key in keys_of(entry)]
    if all(keep):
        return entry
    if not any(keep):
        return None
    flags = iter(keep)  # of a fine-tuning there is one record: all or none
    scores: dict[str, list[Any]] = {}
    for (name, _, _), _, record in records_of(entry):
        if next(flags):
            scores.setdefault(name, []).append(record.row)
    return sealed({**entry, "scores": scores})


def _wanted(store: Store, cells: Sequence[Cell]) -> set[str]:
    keys: set[str] = set()
    for cell in cells:
        for record in store.find(cell).records.values():
            for key, (_, _, each) in zip(keys_of(record.entry), records_of(record.entry), strict=True):
                if each.row is record.row:
                    keys.add(key)
    return keys


def _read(folder: Path) -> dict[Path, Entry]:
    """The cells of the older format in a folder, which may be growing."""
    from lin_ft.benchmark.entry import opened

    if not folder.is_dir():
        raise InputError(f"--from {folder}: no such folder; give the one with the cells, one file each.")
    found = {}
    for path in sorted(folder.glob("*.json")):
        with contextlib.suppress(FileNotFoundError):
            entry = opened(path.read_bytes())
            if entry is not None and "format" not in entry:
                found[path] = entry
    if not found:
        raise InputError(f"--from {folder}: no cell of the older format there; give the folder with the cells.")
    return found


def _put_away(path: Path, *, refused: bool) -> None:
    """Remove a cell of the older format that was taken over; one that was not keeps its text under another name."""
    if refused:
        path.rename(path.with_suffix(".older"))
    else:
        path.unlink(missing_ok=True)


def _sweep(folder: Path) -> None:
    """Remove what killed processes left half written."""
    for path in (*folder.glob(".*.tmp"), *folder.glob("cells/.*.tmp")):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > FORGOTTEN:
                path.unlink()
