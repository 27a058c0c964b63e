"""What the figures share: the matrix as evidence, where pictures go, what is said where a figure has no data yet."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lin_ft.benchmark import Evidence, evidence_of
from lin_ft.benchmark.collect import read_parquet
from lin_ft.benchmark.config import BenchConfig, load_config
from lin_ft.errors import InputError
from lin_ft.files.atomic import write_atomically

RESULTS = Path(__file__).parents[1] / "results"
CONFIGS = Path(__file__).parents[2] / "configs"
CORE = RESULTS / "core" / "table.parquet"
CONFIG = CONFIGS / "bench_core.py"


def development() -> tuple[str, ...]:
    """The half of the core matrix's tasks on which variants may be chosen."""
    return load_config(CONFIG).development


@dataclasses.dataclass(frozen=True)
class Options:
    """Of every figure."""

    table: Path | None = None
    """A table of `lin-ft bench collect`. Default: results/core/table.parquet."""
    out: Path = RESULTS / "figures"
    config: Path = CONFIG
    """Of that table: names its reference and its development tasks."""
    reference: str = ""
    """Instead of the configuration's."""
    shots: int = 10

    @property
    def source(self) -> Path:
        return self.table or CORE

    @property
    def bench(self) -> BenchConfig:
        config = load_config(self.config)
        return dataclasses.replace(config, reference=self.reference) if self.reference else config


class NoData(InputError):
    """The table lacks what a figure shows; `make figures` says so and goes on."""


def read(options: Options) -> Any:
    """The table, a polars DataFrame."""
    if not options.source.exists():
        raise NoData(f"{options.source} is not there")
    return read_parquet(options.source)


def evidence(options: Options) -> Evidence:
    """Results, scores and baselines at one number of shots."""
    return evidence_of(read(options), options.shots, options.bench)


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
