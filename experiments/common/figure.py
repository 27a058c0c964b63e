"""What the figures share: the matrix as arrays, where pictures go, what is said where a figure has no data yet."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lin_ft.benchmark import Results
from lin_ft.benchmark.collect import matrix, read_parquet
from lin_ft.benchmark.config import load_config
from lin_ft.benchmark.report import static_rankings
from lin_ft.errors import InputError
from lin_ft.files.atomic import write_atomically
from lin_ft.zoo import REFERENCE

RESULTS = Path(__file__).parents[1] / "results"
CORE, VERIFY = RESULTS / "core" / "table.parquet", RESULTS / "verify"
CONFIG = Path(__file__).parents[2] / "configs" / "bench_core.py"


def development() -> tuple[str, ...]:
    """The half of the core matrix's tasks on which variants may be chosen."""
    return load_config(CONFIG).development


@dataclasses.dataclass(frozen=True)
class Options:
    """Of every figure."""

    table: Path | None = None
    """A table of `lin-ft bench collect`, or a folder of cells of verify_ranking.py.

    Default: results/core/table.parquet, or before that matrix has been run results/verify.
    """
    out: Path = RESULTS / "figures"
    reference: str = REFERENCE
    shots: int = 10
    repeats: int = 1000
    """Bootstrap samples."""

    @property
    def source(self) -> Path:
        return self.table or (CORE if CORE.exists() else VERIFY)


class NoData(InputError):
    """The table lacks what a figure shows; `make figures` says so and goes on."""


def read(options: Options) -> Any:
    """The table, a polars DataFrame."""
    return of_cells(options.source) if options.source.is_dir() else read_parquet(options.source)


def arrays(options: Options, shots: int | None = None) -> tuple[Results, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """(results, scores with the static rankings, facts) at one number of shots."""
    results, scores, facts = matrix(read(options), options.shots if shots is None else shots, options.reference)
    return results, {**scores, **static_rankings(results, facts)}, facts


def of_cells(folder: Path) -> Any:
    """Cells of verify_ranking.py as a table; only whole (task, seed) rows, so that every model is on every task."""
    import polars

    cells = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    models = {cell["model"] for cell in cells}
    rows = []
    for cell in cells:
        beside = [c for c in cells if (c["task"], c["seed"]) == (cell["task"], cell["seed"])]
        if len(beside) < len(models):
            continue
        row = {name: cell[name] for name in ("model", "task", "shots", "seed", "n", "n_classes")}
        row |= {"test_accuracy": cell["finetuned"]["test_accuracy"], "architecture": "resnet20", "n_params": 0}
        row |= {"source_test_accuracy": cell["source_accuracy"], "finetune_seconds": cell["finetuned"].get("seconds")}
        row |= {"score/nearest_neighbours": cell["k_nearest_neighbours"], "source": cell["model"].split("-")[0]}
        for head in ("random", "zero"):
            row[f"score/predicted_accuracy/{head}"] = cell[head]["predicted_accuracy"]
            row[f"score/predicted_loss/{head}"] = -cell[head]["predicted_loss"]
            row[f"score/label_gradient/{head}"] = cell[head]["label_gradient"]
        row["score/label_feature_correlation"] = cell["random"]["label_feature_correlation"]
        row["scores_seconds"] = cell["random"].get("seconds")
        rows.append(row)
    if not rows:
        raise InputError(f"{folder}: no complete task among its cells; run python -m experiments.verify_ranking first.")
    return polars.DataFrame(rows, infer_schema_length=None)


def save(draw: Callable[[Path], None], options: Options, name: str) -> None:
    """`draw(path)` as results/figures/NAME.png and .pdf."""
    for suffix in ("png", "pdf"):
        draw(options.out / f"{name}.{suffix}")
    print(f"{options.out / name}.png and .pdf from {options.source}")


def save_figure(figure: Any, options: Options, name: str) -> None:
    """A matplotlib figure, the same."""

    def draw(path: Path) -> None:
        suffix = path.suffix.lstrip(".")
        write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=150, format=suffix))

    save(draw, options, name)


def save_table(lines: list[str], options: Options, name: str) -> None:
    text = "\n".join(lines) + "\n"
    write_atomically(options.out / f"{name}.md", lambda temporary: temporary.write_text(text, encoding="utf-8"))
    print(f"{options.out / name}.md from {options.source}")


def new_figure(width: float, height: float) -> tuple[Any, Any]:
    """(figure, axes) without a window."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def main(draw: Callable[[Options], None]) -> None:
    import tyro

    draw(tyro.cli(Options, config=(tyro.conf.OmitArgPrefixes,)))
