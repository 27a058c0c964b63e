"""Cells of the format before records: all scores of a cell under one key.

It said nothing of the images and of the card only the weights. What they lack comes from the zoo and the tasks as they
are, where weights and sizes agree.
"""

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lin_ft.benchmark.config import BenchConfig, Wanted, digests_of
from lin_ft.benchmark.draws import Digests, Draws
from lin_ft.benchmark.draws import digests_of as digests_of_task
from lin_ft.benchmark.entry import Entry, grouped, sealed
from lin_ft.benchmark.suite import PREDICTIONS, known_scores, wanted_scores
from lin_ft.benchmark.work import largest_class
from lin_ft.errors import InputError
from lin_ft.predict import balanced_accuracy
from lin_ft.scores.catalogue import RENAMED
from lin_ft.zoo import ZooModel

OF_BOTH = (
    "status", "task_name", "n", "n_classes", "n_test", "source", "domain", "architecture", "family", "n_params",
    "source_test_accuracy", "seconds", "cpu_seconds", "peak_memory_mb", "commit", "versions", "device",
)  # fmt: skip
OF_TUNING = (
    "learning_rate", "weight_decay", "validation_accuracy", "test_accuracy", "test_accuracy_interval", "grid",
    "correct", "reason",
)  # fmt: skip
"""The loss curve of the chosen pair stands in `grid` as well, to six decimals, and only there from now on."""
OF_SCORES = ("probes", "source_shots")
"""Settings of scores that a cell names."""


@dataclasses.dataclass
class Converter:
    """What an older cell is held against, and what did not pass."""

    config: BenchConfig
    models: Sequence[ZooModel]
    draws: Draws
    refused: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    """Why -> names of the files."""
    dropped: Counter[str] = dataclasses.field(default_factory=Counter)
    """Scores that there are no longer."""
    unseen: Counter[str] = dataclasses.field(default_factory=Counter)
    """Sources whose images are not here, so that scores made of them are taken as they are."""
    _absent: dict[str, str] = dataclasses.field(default_factory=dict)

    def digests(self, source: str, *draw: int) -> Digests:
        """Of a draw, which is fetched and built if need be; InputError, each time the same, where it cannot be."""
        if source in self._absent:
            raise InputError(self._absent[source])
        try:
            return self.draws.digests(source, *draw) or digests_of_task(self.draws.task(source, *draw))
        except InputError as error:
            self._absent[source] = str(error)
            raise


def older_cells(cells: Mapping[Path, Entry], converter: Converter) -> Iterator[Entry]:
    """The entries of the cells that hold for the zoo and the tasks as they are; the others are noted in `refused`."""
    by_draw = sorted(cells.items(), key=lambda item: (item[1]["task"], item[1]["shots"], item[1]["seed"], item[0]))
    for path, cell in by_draw:
        try:
            yield _converted(cell, converter)
        except InputError as error:
            converter.refused.setdefault(str(error), []).append(path.name)


def _converted(cell: Mapping[str, Any], converter: Converter) -> Entry:
    settings = {name: json.loads(text) for name, text in cell["settings"].items()}
    if cell["key"] != _key(cell):
        raise InputError("altered: the key is not that of what they say")
    model = next((each for each in converter.models if each.name == cell["model"]), None)
    if model is None:
        raise InputError(f"of {cell['model']}, which this configuration does not have")
    if settings.pop("weights") != model.weights_digest:
        raise InputError("of other weights than the zoo has now")
    size = settings.pop("image_size", model.card.image_size)
    draw = cell["task"], cell["shots"], cell["seed"], size, settings.get("max_test", converter.config.max_test)
    digests, task = converter.digests(*draw), converter.draws.task(*draw)
    if [cell[name] for name in ("n", "n_classes", "n_test")] != [task.n, task.n_classes, len(task.test)]:
        raise InputError(f"of another draw of {cell['task']} than is drawn now")
    entry = {name: cell[name] for name in ("part", "model", "task", "shots", "seed")} | {"image_size": size}
    entry |= {name: cell[name] for name in OF_BOTH if name in cell}
    made_of = {**dict(digests_of(model)), "train": digests.train}
    if cell["part"] == "finetune":
        entry |= {name: cell[name] for name in OF_TUNING if name in cell}
        entry |= {"settings": settings, "largest_class": largest_class(task)}
        if "correct" in cell:
            correct = np.asarray([bit == "1" for bit in cell["correct"]], np.float64)
            entry["balanced_accuracy"] = balanced_accuracy(correct, task.test.labels)
        return sealed({**entry, "made_of": {**made_of, "held_out": digests.held_out}})
    shots = settings.get("source_shots", 0)
    if shots:
        source = model.card.source
        try:
            digests = converter.digests(source, shots, cell["seed"], size, converter.config.max_test)
            made_of["source"] = digests.train
        except InputError:
            converter.unseen[source] += 1
    rows = _rows(cell, settings, converter)
    return sealed({**entry, "made_of": made_of, "scores": grouped(rows)})


def _rows(cell: Mapping[str, Any], settings: Mapping[str, Any], converter: Converter) -> dict[Wanted, dict[str, Any]]:
    """The scores of a cell by what they are called now, each once."""
    known = known_scores()
    heads, left_out = tuple(settings["heads"]), tuple(settings.get("left_out", ("image",)))
    made_by = dataclasses.replace(
        converter.config, heads=heads, left_out=left_out, probes=settings["probes"],
        source_shots=settings.get("source_shots", 0),
    )  # fmt: skip
    wanted = {each.identity: _as_then(each) for each in wanted_scores(made_by, known)}
    by_name = {name: each for (name, _, _), each in wanted.items() if name not in PREDICTIONS}
    rows: dict[Wanted, dict[str, Any]] = {}
    for old, value in cell["scores"].items():
        name, _, told = old.partition("/")
        if name in PREDICTIONS:
            head, _, way = told.partition("-")
            each, clock = wanted[name, head, way or "image"], told
        else:
            new = _new_name(old, known)
            if new is None:
                converter.dropped[old] += 1
                continue
            each, clock = by_name[new], old
        row = {"value": value, "seconds": cell["score_seconds"].get(clock, 0.0)}
        if old in cell.get("score_parts", {}):
            row["parts"] = cell["score_parts"][old]
        elif value is None:
            row["reason"] = cell.get("no_score", {}).get(old, "no value")
        rows.setdefault(each, row)
    return rows


def _new_name(old: str, known: Sequence[str]) -> str | None:
    """What a score is called now; None where there is none of it."""
    return next((name for name in (old, RENAMED.get(old)) if name in known), None)


def _as_then(wanted: Wanted) -> Wanted:
    """With what an older cell says of its settings; whatever came later is at what it was all along."""
    return dataclasses.replace(wanted, settings=tuple(pair for pair in wanted.settings if pair[0] in OF_SCORES))


def _key(cell: Mapping[str, Any]) -> str:
    """As the older format had it: of all fields that name a cell."""
    fields = [cell[name] for name in ("part", "model", "task", "shots", "seed")]
    text = json.dumps([1, [*fields, sorted(map(list, cell["settings"].items()))]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
