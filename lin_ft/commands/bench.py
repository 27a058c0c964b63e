"""`lin-ft bench`: run, status, collect, report, plan."""

import dataclasses
import shlex
import time
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import tyro

from lin_ft.commands.settings import changed
from lin_ft.errors import InputError


@dataclasses.dataclass(frozen=True)
class _OfConfig:
    config: Annotated[Path, tyro.conf.Positional]
    """A Python file that defines `config`, a BenchConfig; see configs/bench_core.py."""
    out: Path | None = None
    """Folder of the benchmark; default: bench/NAME in the working directory."""
    set: tuple[str, ...] = ()
    """NAME=VALUE of any field of BenchConfig (shots=5,10) and of its fine-tuning (finetune.momentum=0.8)."""

    def read(self) -> Any:
        """The configuration with what --set changes."""
        from lin_ft.benchmark.config import load_config

        return changed(load_config(self.config), self.set, "bench")

    def opened(self) -> tuple[Any, list, tuple, Any]:
        """(config, models, cells, store); InputError lists everything missing at once."""
        from lin_ft.benchmark.check import resolve
        from lin_ft.benchmark.store import Store

        config = self.read()
        models, cells = resolve(config)
        return config, models, cells, Store(self.out or Path("bench") / config.name)


@dataclasses.dataclass(frozen=True)
class BenchRun(_OfConfig):
    """Fill all cells that are missing; again after an interruption: goes on where it stopped."""

    workers: int = 1
    """Processes that share the cells; more may be started from other terminals on the same folder."""
    executor: str = "local"
    """local, or ray: a Ray cluster (RAY_ADDRESS), or a local one of as many CPUs as workers."""

    def run(self) -> None:
        from lin_ft.benchmark.executors import EXECUTORS, Job

        if self.workers < 1:
            raise InputError(f"--workers {self.workers}: give at least 1.")
        if self.executor not in EXECUTORS:
            raise InputError(f"--executor {self.executor}: unknown; one of {', '.join(EXECUTORS)}.")
        config, _, cells, store = self.opened()
        store.forget_failures(cells)
        EXECUTORS[self.executor](Job(config, store.folder), self.workers)
        states = Counter(store.state(cell) for cell in cells)
        print(_sentence(store, states))
        left = states["failed"] + states["missing"] + states["running"]
        if left:
            raise InputError(
                f"{store.folder}: {left} of {len(cells)} cells are not finished; see `lin-ft bench status`."
            )


@dataclasses.dataclass(frozen=True)
class BenchStatus(_OfConfig):
    """Done, running and failed cells, and the time left."""

    def run(self) -> None:
        config, models, cells, store = self.opened()
        from lin_ft.benchmark.plan import plan

        states = {cell: store.state(cell) for cell in cells}
        print(_sentence(store, Counter(states.values())))
        for part in ("scores", "finetune"):
            of_part = Counter(state for cell, state in states.items() if cell.part == part)
            print(f"  {part}: " + ", ".join(f"{count} {state}" for state, count in sorted(of_part.items())))
        for cell, state in states.items():
            if state == "failed":
                print(f"  failed: {cell.label}: {store.failure(cell)}")
            elif state in ("running", "diverged"):
                print(f"  {state}: {cell.label}")
        left = plan(config, models, cells, store).hours_left
        workers = max(1, sum(state == "running" for state in states.values()))
        if left:
            print(f"time left: {_duration(3600 * left / workers)} with {workers} worker{'s' if workers > 1 else ''}")


@dataclasses.dataclass(frozen=True)
class BenchCollect(_OfConfig):
    """All finished cells to one Parquet table."""

    table: Path | None = None
    """Default: table.parquet in the benchmark's folder."""

    def run(self) -> None:
        from lin_ft.benchmark.collect import collect, write_parquet

        _, _, cells, store = self.opened()
        path = self.table or store.folder / "table.parquet"
        rows = collect(store, cells)
        write_parquet(rows, path)
        print(f"{path}: {rows.height} rows, {rows.width} columns.")


@dataclasses.dataclass(frozen=True)
class BenchReport(_OfConfig):
    """Tables (Markdown) and figures (PNG, PDF) of all finished cells."""

    report: Path | None = None
    """Folder to write to; default: report in the benchmark's folder."""
    table: Path | None = None
    """Report on this Parquet table and not on the cells."""
    linearized: Path | None = None
    """Parquet table of the same benchmark with the linearized network, to compare by learning rate."""

    def run(self) -> None:
        from lin_ft.benchmark.collect import collect, read_parquet
        from lin_ft.benchmark.report import write_report

        began = time.monotonic()
        config, _, cells, store = self.opened()
        rows = read_parquet(self.table) if self.table else collect(store, cells)
        folder = self.report or store.folder / "report"
        command = shlex.join(
            ["lin-ft", "bench", "report", str(self.config), *(["--set", *self.set] if self.set else [])]
        )
        other = read_parquet(self.linearized) if self.linearized else None
        paths = write_report(rows, config, folder, command=command, linearized=other)
        print(f"{', '.join(path.name for path in paths)} written to {folder} in {time.monotonic() - began:.0f} s.")


@dataclasses.dataclass(frozen=True)
class BenchPlan(_OfConfig):
    """Cells, expected cost and disk, without running anything."""

    tflops: float = 0.0
    """Sustained TFLOP/s of the device, for an estimate of the hours before any cell is measured."""

    def run(self) -> None:
        from lin_ft.benchmark.check import resolve_planned
        from lin_ft.benchmark.config import PlannedModel
        from lin_ft.benchmark.plan import plan
        from lin_ft.benchmark.store import Store

        config = self.read()
        models, cells = resolve_planned(config)
        store = Store(self.out or Path("bench") / config.name)
        result = plan(config, models, cells, store)
        grid = (
            f"{len(models)} models x {len(config.tasks)} tasks x {len(config.shots)} shots x {len(config.seeds)} seeds"
        )
        print(f"{config.name}: {grid}")
        for part, count in result.cells.items():
            seconds = result.seconds_a_cell[part]
            each = "not measured yet" if seconds is None else f"{seconds:.1f} s each"
            print(f"  {part}: {count} cells, {result.finished[part]} finished, {each}")
        print(f"  fine-tuning: {result.flops:.3g} FLOPs", end="")
        print(f", {result.flops / self.tflops / 3.6e15:.2g} hours at {self.tflops:g} TFLOP/s" if self.tflops else "")
        left = (
            "unknown until a cell of each part is finished" if result.hours_left is None else f"{result.hours_left:.2f}"
        )
        print(f"  device-hours left, one worker: {left}")
        images = f", decoded images {result.image_bytes / 1e9:.1f} GB" if result.image_bytes else ""
        print(f"  disk: cells {result.disk_bytes / 1e6:.1f} MB{images}")
        missing = [model.name for model in models if isinstance(model, PlannedModel)]
        if missing:
            print(f"  models still to be trained or converted: {len(missing)} ({', '.join(missing[:3])}, ...)")


@dataclasses.dataclass(frozen=True)
class Bench:
    """The benchmark: run, status, collect, report, plan."""

    action: (
        Annotated[BenchRun, tyro.conf.subcommand("run")]
        | Annotated[BenchStatus, tyro.conf.subcommand("status")]
        | Annotated[BenchCollect, tyro.conf.subcommand("collect")]
        | Annotated[BenchReport, tyro.conf.subcommand("report")]
        | Annotated[BenchPlan, tyro.conf.subcommand("plan")]
    )

    def run(self) -> None:
        self.action.run()


def _sentence(store: Any, states: Counter) -> str:
    total = sum(states.values())
    finished = states["done"] + states["diverged"]
    parts = [f"{states[name]} {name}" for name in ("diverged", "running", "failed", "missing") if states[name]]
    return f"{store.folder}: {finished} of {total} cells finished" + (f" ({', '.join(parts)})" if parts else "") + "."


def _duration(seconds: float) -> str:
    hours, rest = divmod(round(seconds / 60), 60)
    return f"{hours} h {rest:02d} min" if hours else f"{rest} min"
