"""The JSON of one finished piece of work: a fine-tuning, or some scores of one model on one draw of a task.

    format, digest        the form of this JSON, and the SHA-256 of all the rest: half an entry is none
    part, model, task, shots, seed, image_size
    made_of               digests: weights and card of the model, train and held_out images, source images
    settings              of a fine-tuning: budget and hyper-parameters
    scores                {name: [{head, left_out, settings, value, seconds, parts or reason, note}, ...]}
    key, and all that was measured and by what it was made

A *record* is one score of an entry, or its fine-tuning: what a configuration asks for and finds, or does not.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from lin_ft.benchmark.config import Cell, Wanted, digest
from lin_ft.benchmark.suite import DEFAULTS
from lin_ft.errors import InputError
from lin_ft.finetune import FinetuneConfig

FORMAT = 2
"""Raised when what an entry says changes its meaning or place."""
Entry: TypeAlias = dict[str, Any]
Identity: TypeAlias = tuple[str, str | None, str | None]
"""Of a record within its entry: score, head, left_out; the score of a fine-tuning is empty."""


class Record(NamedTuple):
    """One record: the entry that it stands in, and its own values (of a fine-tuning, the entry again)."""

    entry: Entry
    row: dict[str, Any]


def new_entry(cell: Cell, values: Mapping[str, Any]) -> Entry:
    """The entry of a finished cell from what `lin_ft.benchmark.work.work` returned."""
    entry = {
        "part": cell.part, "model": cell.model, "task": cell.task, "shots": cell.shots, "seed": cell.seed,
        "image_size": cell.image_size,
    }  # fmt: skip
    entry |= {**values, "made_of": {**dict(cell.of_model), **values["made_of"]}}
    if cell.part == "finetune":
        entry["settings"] = {name: json.loads(text) for name, text in cell.wanted[0].settings}
    else:
        entry["scores"] = grouped(values["scores"])
    return sealed(entry)


def grouped(rows: Mapping[Wanted, Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Records of an entry by the name of the score."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    for wanted, row in rows.items():
        told = {"head": wanted.head, "left_out": wanted.left_out}
        told |= {"settings": {name: json.loads(text) for name, text in wanted.settings}}
        by_name.setdefault(wanted.score, []).append({**{k: v for k, v in told.items() if v}, **row})
    return by_name


def records_of(entry: Entry) -> Iterator[tuple[Identity, dict[str, Any], Record]]:
    """(identity, settings, record) of each."""
    if entry["part"] == "finetune":
        yield ("", None, None), entry["settings"], Record(entry, entry)
        return
    for name, rows in entry["scores"].items():
        for row in rows:
            yield (name, row.get("head"), row.get("left_out")), row.get("settings", {}), Record(entry, row)


def sealed(entry: Mapping[str, Any]) -> Entry:
    """With its key, format and digest; all values as JSON has them."""
    values = json.loads(json.dumps({**entry, "format": FORMAT}, default=float))
    values.pop("digest", None)
    values["key"] = key_of(values)
    return {**values, "digest": _seal(values)}


def key_of(entry: Entry) -> str:
    """16 hexadecimal digits of everything that the entry depends on and which records it holds."""
    place = [entry[name] for name in ("part", "model", "task", "shots", "seed", "image_size")]
    held = [[*identity, settings] for identity, settings, _ in records_of(entry)]
    return digest([place, entry["made_of"], held])


def opened(text: bytes | str) -> Entry | None:
    """The entry if it is whole, else None.

    Raises:
        InputError: a whole entry of a later format, to be read by the version of lin_ft that wrote it.
    """
    try:
        values = json.loads(text)
        whole = values.pop("digest") == _seal(values)
    except (ValueError, KeyError, AttributeError, TypeError):
        return None
    if whole and values.get("format", 1) > FORMAT:
        raise InputError(f"written in format {values['format']}, this version of lin_ft reads {FORMAT}: update lin_ft.")
    return values if whole else None


def dumped(entry: Entry) -> str:
    """One line of JSON, the same for the same entry."""
    return json.dumps({**entry, "digest": _seal(entry)}, sort_keys=True, separators=(",", ":"))


def _seal(values: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in values.items() if name != "digest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()[:16]


_DEFAULTS = {"finetune": json.loads(json.dumps(vars(FinetuneConfig()))), "scores": DEFAULTS}
"""What a record was made by where it does not say: a setting that came later, at the value it had all along."""


def settings_agree(part: str, stored: Mapping[str, Any], wanted: tuple[tuple[str, str], ...]) -> bool:
    """Whether a record was made by the settings that are asked for."""
    asked = {name: json.loads(text) for name, text in wanted}
    default, missing = _DEFAULTS[part], object()

    def of(values: Mapping[str, Any], name: str) -> Any:
        return values.get(name, default.get(name, missing))

    return all(of(stored, name) == of(asked, name) for name in stored.keys() | asked.keys())
