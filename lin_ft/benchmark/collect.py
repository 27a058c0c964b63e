"""All finished records of one benchmark as one table, and that table as arrays for the statistics."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float

from lin_ft.benchmark.config import Cell, Wanted
from lin_ft.benchmark.entry import Record
from lin_ft.benchmark.results import Results
from lin_ft.benchmark.store import Store
from lin_ft.benchmark.suite import combine_parts
from lin_ft.errors import InputError
from lin_ft.files.atomic import write_atomically

if TYPE_CHECKING:
    import polars

IDENTITY = ("part", "model", "task", "shots", "seed", "image_size", "score", "head", "left_out")
OF_TASK_AND_MODEL = (
    "n", "n_classes", "n_test", "source", "domain", "architecture", "family", "n_params", "source_test_accuracy",
)  # fmt: skip
FAMILY = "family"
"""single, or how a multi-domain model was trained; see lin_ft.zoo.multi_domain."""
OF_TUNING = ("status", "test_accuracy", "balanced_accuracy", "largest_class", "learning_rate")
OF_RATE = "test_accuracy/"
"""Before a learning rate: the test accuracy at that rate, the weight decay chosen on validation."""
OF_WORK = ("work_seconds", "work_cpu_seconds", "peak_memory_mb", "device", "commit", "versions")
TEXTS = (
    "part", "model", "task", "score", "head", "left_out", "reason", "note", "status", "source", "domain",
    "architecture", "family", "work", "device", "commit", "versions",
)  # fmt: skip
WHOLE = ("shots", "seed", "image_size", "n", "n_classes", "n_test", "n_params")
NUMBERS = (
    "value", "test_accuracy", "test_accuracy_low", "test_accuracy_high", "balanced_accuracy", "largest_class",
    "validation_accuracy", "learning_rate", "source_test_accuracy", "seconds", "work_seconds", "work_cpu_seconds",
    "peak_memory_mb",
)  # fmt: skip
"""Columns of each type; experiments/results/README.md says what each is, in what unit."""


class ScoreColumn(NamedTuple):
    """A score as the table has it: what distinguishes two columns of values."""

    score: str
    head: str | None
    left_out: str | None


def collect(store: Store, cells: Sequence[Cell]) -> "polars.DataFrame":
    """One row a record: a fine-tuning, or one score of one model on one draw of one task.

    Scores of the whole zoo (ETran, say) are put together here, from the parts of all models of a draw. Only the cells
    given take part, so records of another configuration in the same folder never mix in, nor outdated ones.

    Raises InputError when nothing is finished.
    """
    rows = [row for cell in cells for row in _rows(cell, store)]
    if not rows:
        raise InputError(f"{store.folder}: no finished cell of this configuration; first run `lin-ft bench run`.")
    _combine(rows)
    return as_table(rows)


def as_table(rows: Sequence[dict[str, Any]]) -> "polars.DataFrame":
    """Rows in the form of `collect`, sorted; columns that they lack are null, and others come behind."""
    frame = _polars()
    columns = [name for name in IDENTITY if name in TEXTS + WHOLE]
    columns += [name for name in (*NUMBERS, *TEXTS, *WHOLE) if name not in columns]
    columns += sorted({name for row in rows for name in row} - {*columns, "parts"})
    types = {name: frame.String for name in TEXTS} | {name: frame.Int64 for name in WHOLE}
    types = {name: types.get(name, frame.Float64) for name in columns}
    table = frame.DataFrame([{name: row.get(name) for name in columns} for row in rows], schema=types)
    return table.sort("part", "shots", "seed", "task", "score", "head", "left_out", "model", nulls_last=True)


def _rows(cell: Cell, store: Store) -> Iterator[dict[str, Any]]:
    for wanted, record in store.find(cell).records.items():
        yield _row(cell, wanted, record)


def _row(cell: Cell, wanted: Wanted, record: Record) -> dict[str, Any]:
    entry, own = record
    row = {"part": cell.part, "model": cell.model, "task": cell.task, "shots": cell.shots, "seed": cell.seed}
    row |= {"image_size": cell.image_size} | {name: entry.get(name) for name in OF_TASK_AND_MODEL}
    row |= {"seconds": own["seconds"], "work": entry["key"], "work_seconds": entry["seconds"]}
    row |= {"work_cpu_seconds": entry.get("cpu_seconds"), "peak_memory_mb": entry["peak_memory_mb"]}
    row |= {"device": entry["device"], "commit": entry["commit"]}
    row["versions"] = ", ".join(f"{name} {version}" for name, version in entry["versions"].items())
    if cell.part == "scores":
        row |= {"score": wanted.score, "head": wanted.head, "left_out": wanted.left_out}
        return row | {name: own.get(name) for name in ("value", "reason", "note", "parts")}
    low, high = entry.get("test_accuracy_interval") or (None, None)
    row |= {name: entry.get(name) for name in (*OF_TUNING, "reason")}
    row |= {"test_accuracy_low": low, "test_accuracy_high": high}
    rate = entry.get("learning_rate")
    row["validation_accuracy"] = None if rate is None else entry["validation_accuracy"].get(f"{rate:g}")
    return row | _of_rates(entry.get("grid", ()))


def _combine(rows: Sequence[dict[str, Any]]) -> None:
    """Values of the scores of the whole zoo, in place."""
    places: dict[tuple, list[dict[str, Any]]] = {}
    for row in rows:
        if row.get("parts"):
            places.setdefault((row["score"], row["task"], row["shots"], row["seed"]), []).append(row)
    for (name, *_), of_models in places.items():
        for row, value in zip(of_models, combine_parts(name, [row["parts"] for row in of_models]), strict=True):
            row["value"] = value if np.isfinite(value) else None


def _of_rates(grid: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Test accuracy of each learning rate where every pair was tested."""
    best: dict[float, dict[str, Any]] = {}
    for point in grid:
        if point["test_accuracy"] is not None:
            rate = point["learning_rate"]
            other = best.setdefault(rate, point)
            if (point["validation_accuracy"] or 0) > (other["validation_accuracy"] or 0):
                best[rate] = point
    whole = len(best) == len({point["learning_rate"] for point in grid if not point["diverged"]})
    return {f"{OF_RATE}{rate:g}": point["test_accuracy"] for rate, point in best.items()} if whole else {}


def write_parquet(table: "polars.DataFrame", path: str | Path) -> None:
    """Atomically."""
    buffer = io.BytesIO()
    table.write_parquet(buffer, compression="zstd", compression_level=19)
    write_atomically(path, lambda temporary: temporary.write_bytes(buffer.getvalue()))


def read_parquet(path: str | Path) -> "polars.DataFrame":
    """A table that `lin-ft bench collect` wrote; InputError names a file that is none."""
    frame = _polars()
    try:
        table = frame.read_parquet(path)
    except (OSError, frame.exceptions.PolarsError) as error:
        raise InputError(
            f"{path}: not a readable Parquet file ({error}); write it by `lin-ft bench collect`."
        ) from error
    missing = [name for name in (*IDENTITY, "value", "test_accuracy") if name not in table.columns]
    if missing:
        raise InputError(
            f"{path}: not a benchmark's table of this version, it lacks {', '.join(missing)}; write it by"
            " `lin-ft bench collect`."
        )
    return table


def finetuned(table: "polars.DataFrame", shots: int | None = None) -> "polars.DataFrame":
    """The fine-tunings, one row a (model, task, shots, seed), those that diverged included.

    Examples:
        >>> import polars
        >>> from lin_ft.benchmark import finetuned
        >>> table = polars.DataFrame({"part": ["finetune", "finetune", "scores"], "shots": [5, 10, 10]})
        >>> finetuned(table, shots=10).height
        1
    """
    frame = _polars()
    rows = table.filter(frame.col("part") == "finetune")
    return rows if shots is None else rows.filter(frame.col("shots") == shots)


def works(table: "polars.DataFrame") -> "polars.DataFrame":
    """One row a piece of work, with its seconds, memory, device, commit and versions: many scores share one."""
    return table.select("part", "model", "task", "shots", "seed", "work", *OF_WORK).unique("work", maintain_order=True)


def columns(table: "polars.DataFrame") -> dict[str, ScoreColumn]:
    """Label -> score, head and left_out of every score in the table, those without any value included.

    A label is the score's name where it comes once, else "NAME (HEAD)" or "NAME (HEAD, LEFT_OUT)".

    Examples:
        >>> import polars
        >>> from lin_ft.benchmark import columns
        >>> rows = {"score": ["logme", "cka", "cka"], "head": [None, "zero", "random"]}
        >>> list(columns(polars.DataFrame({"part": ["scores"] * 3, "left_out": [None, "image", "image"], **rows})))
        ['cka (random, image)', 'cka (zero, image)', 'logme']
    """
    frame = _polars()
    rows = table.filter(frame.col("part") == "scores").select("score", "head", "left_out").unique().sort(
        "score", "head", "left_out", nulls_last=False
    )  # fmt: skip
    found = [ScoreColumn(*row) for row in rows.rows()]
    names = [column.score for column in found]
    labels = {}
    for column in found:
        told = ", ".join(part for part in column[1:] if part)
        labels[column.score if names.count(column.score) == 1 or not told else f"{column.score} ({told})"] = column
    return labels


def score_names(table: "polars.DataFrame") -> list[str]:
    """The labels of all scores; see `columns`."""
    return list(columns(table))


def matrix(
    table: "polars.DataFrame", shots: int, reference: str, *, accuracy: str = "test_accuracy"
) -> tuple[Results, dict[str, Float[np.ndarray, "S T M"]], dict[str, np.ndarray]]:
    """Accuracies and scores at one number of shots, and facts of each model (`n_params`, `source_test_accuracy`).

    Scores by their labels, see `columns`.

    NaN where a record is missing, diverged, or without a value. Models and tasks without any accuracy are left out,
    and scores without any value. Of a draw in which a score is not computed wherever another one is (see `unfinished`)
    its values are left out: a mean over some of the tasks is not to stand beside means over all.

    Raises InputError when nothing was fine-tuned at that number of shots, or the reference was not.
    """
    frame = _polars()
    if accuracy not in table.columns:
        raise InputError(f"The table has no column {accuracy}.")
    rows = finetuned(table, shots).filter(frame.col(accuracy).is_not_null())
    models, tasks, seeds = (sorted(set(rows[name].to_list())) for name in ("model", "task", "seed"))
    if reference not in models:
        raise InputError(f"The reference {reference} is not fine-tuned at {shots} shots yet; first run its cells.")
    place = {name: {value: i for i, value in enumerate(values)} for name, values in
             (("model", models), ("task", tasks), ("seed", seeds))}  # fmt: skip
    shape = (len(seeds), len(tasks), len(models))

    def filled(rows: "polars.DataFrame", column: str) -> np.ndarray:
        array = np.full(shape, np.nan)
        index = tuple([place[name][value] for value in rows[name].to_list()] for name in ("seed", "task", "model"))
        array[index] = rows[column].cast(frame.Float64).fill_null(np.nan).to_numpy()
        return array

    here = table.filter(
        (frame.col("part") == "scores") & (frame.col("shots") == shots) & frame.col("model").is_in(models)
        & frame.col("task").is_in(tasks) & frame.col("seed").is_in(seeds)
    )  # fmt: skip
    parts = here.partition_by("score", "head", "left_out", as_dict=True)
    scores = {
        label: filled(parts[tuple(column)], "value")
        for label, column in columns(table).items()
        if tuple(column) in parts
    }
    for label, missing in unfinished(table, shots, models, tasks).items():
        for seed in missing.keys() & place["seed"].keys():
            if label in scores:
                scores[label][place["seed"][seed]] = np.nan
    scores = {label: values for label, values in scores.items() if np.isfinite(values).any()}
    first = {row["model"]: row for row in rows.iter_rows(named=True)}
    groups = tuple(_group(first[model]) for model in models)
    facts = {name: np.asarray([first[m][name] for m in models], float) for name in ("n_params", "source_test_accuracy")}
    return Results(tuple(models), tuple(tasks), filled(rows, accuracy), reference, groups), scores, facts


def unfinished(
    table: "polars.DataFrame", shots: int, models: Sequence[str], tasks: Sequence[str]
) -> dict[str, dict[int, int]]:
    """Label of a score -> seed -> how many records it lacks where another score has one, for these models and tasks.

    So a score that joined the registry lately is told from one that has no value for a model, with a reason.
    """
    frame = _polars()
    rows = table.filter(
        (frame.col("part") == "scores") & (frame.col("shots") == shots) & frame.col("model").is_in(list(models))
        & frame.col("task").is_in(list(tasks))
    )  # fmt: skip
    whole = dict(rows.select("seed", "model", "task").unique().group_by("seed").len().rows())
    found: dict[str, dict[int, int]] = {}
    for label, column in columns(table).items():
        own = rows.filter(*(frame.col(key).eq_missing(value) for key, value in column._asdict().items()))
        there = dict(own.group_by("seed").len().rows())
        lacks = {seed: count - there.get(seed, 0) for seed, count in sorted(whole.items())}
        if any(lacks.values()):
            found[label] = {seed: count for seed, count in lacks.items() if count}
    return found


def of_rates(table: "polars.DataFrame", shots: int, reference: str) -> dict[float, Results]:
    """Accuracies at each learning rate, where the fine-tunings have them; none otherwise."""
    found = {}
    for name in table.columns:
        if name.startswith(OF_RATE):
            try:
                found[float(name.removeprefix(OF_RATE))] = matrix(table, shots, reference, accuracy=name)[0]
            except InputError:
                continue  # the reference diverged at this rate
    return found


def of_models(table: "polars.DataFrame", column: str) -> dict[str, str]:
    """Model -> family, source, ..."""
    return {model: value or "" for model, value in table.select("model", column).unique().rows()}


def _group(row: dict[str, Any]) -> str:
    family = row.get(FAMILY) or "single"
    return row["architecture"] if family == "single" else f"{row['architecture']}, {family}"


def _polars() -> Any:
    try:
        import polars
    except ImportError as error:
        raise InputError("Polars is not installed; pip install 'lin-ft[bench]'.") from error
    return polars
