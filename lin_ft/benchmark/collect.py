"""All finished cells of one benchmark as one table, and that table as arrays for the statistics."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from lin_ft.benchmark.config import Cell
from lin_ft.benchmark.results import Results
from lin_ft.benchmark.store import Store
from lin_ft.benchmark.suite import combine_parts
from lin_ft.errors import InputError
from lin_ft.files.atomic import write_atomically

if TYPE_CHECKING:
    import polars

IDENTITY = ("model", "task", "shots", "seed")
OF_BOTH = ("source", "domain", "architecture", "n_params", "source_test_accuracy", "n", "n_classes", "n_test")
SCORE = "score/"
"""Before the name of a score."""
FAMILY = "family"
"""single, or how a multi-domain model was trained; see lin_ft.zoo.multi_domain."""
OF_RATE = "test_accuracy/"
"""Before a learning rate: the test accuracy at that rate, the weight decay chosen on validation."""
OF_PART = ("key", "seconds", "peak_memory_mb", "device", "commit")
TYPES = ("test_accuracy", "test_accuracy_low", "test_accuracy_high", "learning_rate")
"""Columns that may be null in every row."""


def collect(store: Store, cells: Sequence[Cell]) -> "polars.DataFrame":
    """One row for each (model, task, shots, seed) that has a finished part; columns of the other part are null.

    Scores of the whole zoo (ETran, say) are put together here, from the parts of all models of a task.

    Columns: the identity; model and task; `status`, `test_accuracy`, `learning_rate` and interval of the fine-tuning;
    `score/NAME` for each score; key, seconds, peak memory, device, commit and versions of each part. Only the cells
    given take part, so cells of another configuration in the same folder never mix in.

    Raises InputError when no cell is finished.
    """
    frame = _polars()
    rows: dict[tuple, dict[str, Any]] = {}
    parts: dict[tuple, dict[str, list[float]]] = {}
    for cell in cells:
        values = store.read(cell)
        if values is None:
            continue
        row = rows.setdefault((cell.model, cell.task, cell.shots, cell.seed), dict.fromkeys((*TYPES, "status")))
        row |= {name: values[name] for name in IDENTITY + OF_BOTH} | {FAMILY: values.get(FAMILY, "single")}
        row |= {f"{cell.part}_{name}": values[name] for name in OF_PART}
        row[f"{cell.part}_versions"] = ", ".join(f"{name} {version}" for name, version in values["versions"].items())
        if cell.part == "scores":
            row |= {f"{SCORE}{name}": value for name, value in values["scores"].items()}
            for name, numbers in values.get("score_parts", {}).items():
                parts.setdefault((name, cell.task, cell.shots, cell.seed), {})[cell.model] = numbers
        else:
            row |= {"status": values["status"], "test_accuracy": values["test_accuracy"]}
            low, high = values.get("test_accuracy_interval") or (None, None)
            row |= {"test_accuracy_low": low, "test_accuracy_high": high, "learning_rate": values.get("learning_rate")}
            row |= _of_rates(values.get("grid", ()))
    if not rows:
        raise InputError(f"{store.folder}: no finished cell of this configuration; first run `lin-ft bench run`.")
    for (name, *place), of_models in parts.items():
        combined = combine_parts(name, list(of_models.values()))
        for model, value in zip(of_models, combined, strict=True):
            rows[model, *place][f"{SCORE}{name}"] = value if np.isfinite(value) else None
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    return frame.DataFrame(
        [{name: row.get(name) for name in columns} for row in rows.values()],
        infer_schema_length=None,
        schema_overrides=dict.fromkeys(TYPES, frame.Float64),
    ).sort(*IDENTITY[1:], "model")


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


def of_rates(table: "polars.DataFrame", shots: int, reference: str) -> dict[float, Results]:
    """Accuracies at each learning rate, where the cells have them; none otherwise."""
    rates = [name for name in table.columns if name.startswith(OF_RATE)]
    found = {}
    for name in rates:
        try:
            found[float(name.removeprefix(OF_RATE))] = matrix(table, shots, reference, accuracy=name)[0]
        except InputError:
            continue  # the reference diverged at this rate
    return found


def write_parquet(table: "polars.DataFrame", path: str | Path) -> None:
    """Atomically."""
    buffer = io.BytesIO()
    table.write_parquet(buffer)
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
    missing = [name for name in (*IDENTITY, "test_accuracy") if name not in table.columns]
    if missing:
        raise InputError(f"{path}: not a benchmark's table, it lacks {', '.join(missing)}.")
    return table


def matrix(
    table: "polars.DataFrame", shots: int, reference: str, *, accuracy: str = "test_accuracy"
) -> tuple[Results, dict[str, Float[np.ndarray, "S T M"]], dict[str, np.ndarray]]:
    """Accuracies and scores at one number of shots, and facts of each model (`n_params`, `source_test_accuracy`).

    NaN where a cell is missing, diverged, or without that score. Models and tasks without any accuracy are left out,
    and scores without any value.

    Raises InputError when nothing was fine-tuned at that number of shots, or the reference was not.
    """
    frame = _polars()
    rows = table.filter((frame.col("shots") == shots) & frame.col(accuracy).is_not_null())
    models, tasks, seeds = (sorted(set(rows[name].to_list())) for name in ("model", "task", "seed"))
    if reference not in models:
        raise InputError(f"The reference {reference} is not fine-tuned at {shots} shots yet; first run its cells.")
    place = {name: {value: i for i, value in enumerate(values)} for name, values in
             (("model", models), ("task", tasks), ("seed", seeds))}  # fmt: skip
    index = tuple(
        np.asarray([place[name][value] for value in rows[name].to_list()]) for name in ("seed", "task", "model")
    )
    shape = (len(seeds), len(tasks), len(models))

    def filled(column: str) -> np.ndarray:
        array = np.full(shape, np.nan)
        array[index] = rows[column].cast(frame.Float64).fill_null(np.nan).to_numpy()
        return array

    scores = {name: filled(f"{SCORE}{name}") for name in score_names(table)}
    scores = {name: values for name, values in scores.items() if np.isfinite(values).any()}
    first = {row["model"]: row for row in rows.iter_rows(named=True)}
    groups = tuple(_group(first[model]) for model in models)
    facts = {name: np.asarray([first[m][name] for m in models], float) for name in ("n_params", "source_test_accuracy")}
    results = Results(tuple(models), tuple(tasks), filled(accuracy), reference, groups)
    return results, scores, facts


def score_names(table: "polars.DataFrame") -> list[str]:
    return [name.removeprefix(SCORE) for name in table.columns if name.startswith(SCORE)]


def of_models(table: "polars.DataFrame", column: str) -> dict[str, str]:
    """Model -> family, source, ... of a table that may be older than the column."""
    missing = "single" if column == FAMILY else ""
    rows = table.iter_rows(named=True)
    return {row["model"]: row.get(column) or missing for row in rows}


def _group(row: dict[str, Any]) -> str:
    family = row.get(FAMILY) or "single"
    return row["architecture"] if family == "single" else f"{row['architecture']}, {family}"


def _polars() -> Any:
    try:
        import polars
    except ImportError as error:
        raise InputError("Polars is not installed; pip install 'lin-ft[bench]'.") from error
    return polars
