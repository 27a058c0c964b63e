"""`lin-ft bench`: run, status, pack, collect, report, plan."""

import dataclasses
import shlex
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

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

    def opened(self, *, planned: bool = False, **options: Any) -> tuple[Any, list, tuple, Any]:
        """(config, models, cells, store); InputError lists everything missing at once.

        `planned`: what the configuration plans may be missing.
        """
        from lin_ft.benchmark.check import resolve, resolve_planned
        from lin_ft.benchmark.store import Store

        config = self.read()
        models, cells = resolve_planned(config) if planned else resolve(config)
        return config, list(models), cells, Store(self.out or Path("bench") / config.name, **options)


@dataclasses.dataclass(frozen=True)
class BenchRun(_OfConfig):
    """Compute all records that are missing; the same command again goes on."""

    workers: int = 1
    """Processes that share the cells; more may be started from other terminals on the same folder."""
    executor: str = "local"
    """local, or ray: a Ray cluster (RAY_ADDRESS), or a local one of as many CPUs as workers."""
    part: Literal["scores", "finetune"] | None = None
    """Only the scores, or only the fine-tunings. Default: of each draw the scores, then the fine-tunings."""
    shots: tuple[int, ...] = ()
    """Only these numbers of images a class. Default: all of the configuration."""
    seeds: tuple[int, ...] = ()
    """Only these draws. Default: all of the configuration."""

    def run(self) -> None:
        from lin_ft.benchmark.executors import EXECUTORS, Job
        from lin_ft.workers import checked

        checked(self.workers, self.executor)
        config, _, cells, store = self.opened()
        store.refresh()
        job = Job(config, store.folder, self.part, self.shots, self.seeds)
        cells = job.chosen(cells)
        if not cells:
            raise InputError("--part, --shots and --seeds leave nothing to do of this configuration: widen them.")
        store.forget_failures(cells)
        _say_outdated(store, cells)
        EXECUTORS[self.executor](job, self.workers)
        store.refresh()
        states = Counter(store.state(cell) for cell in cells)
        print(_sentence(store, states))
        left = len(cells) - states["done"] - states["diverged"]
        if left:
            raise InputError(
                f"{store.folder}: {left} of {len(cells)} cells are not finished; see `lin-ft bench status`."
            )


@dataclasses.dataclass(frozen=True)
class BenchStatus(_OfConfig):
    """Done, running and failed cells, what is still to compute, and the time left."""

    def run(self) -> None:
        from lin_ft.benchmark.plan import plan

        config, models, cells, store = self.opened(planned=True)
        states = {cell: store.state(cell) for cell in cells}
        print(_sentence(store, Counter(states.values())))
        for part in ("scores", "finetune"):
            of_part = [cell for cell in cells if cell.part == part]
            counted = Counter(states[cell] for cell in of_part)
            print(f"  {part}: " + ", ".join(f"{count} {state}" for state, count in sorted(counted.items())))
            for name, count in _missing(store, of_part).items():
                print(f"    still to compute: {name}, of {count} cells")
        for cell, state in states.items():
            if state == "failed":
                print(f"  failed: {cell.label}: {store.failure(cell)}")
            elif state in ("running", "diverged"):
                print(f"  {state}: {cell.label}")
        _say_outdated(store, cells)
        left = plan(config, models, cells, store).hours_left
        workers = max(1, sum(state == "running" for state in states.values()))
        if left:
            print(f"time left: {_duration(3600 * left / workers)} with {workers} worker{'s' if workers > 1 else ''}")


@dataclasses.dataclass(frozen=True)
class BenchCollect(_OfConfig):
    """All finished records to one Parquet table."""

    table: Path | None = None
    """Default: table.parquet in the benchmark's folder."""

    def run(self) -> None:
        _, _, cells, store = self.opened(planned=True)
        print(_collected(store, cells, self.table or store.folder / "table.parquet"))


@dataclasses.dataclass(frozen=True)
class BenchPack(_OfConfig):
    """Fold finished cells into packed files, and collect the table beside them.

    Cut off at any point, it loses nothing: run it again; workers may go on.
    """

    older: Annotated[Path | None, tyro.conf.arg(name="from")] = None
    """A folder of cells of the format before this one, one file each, to be taken over and left as they are. Such cells
    in the benchmark's own folder are taken over in any case."""
    repair: bool = False
    """Of a packed file that is damaged, keep what can be read."""
    prune: bool = False
    """Drop what this configuration does not ask for: outdated records, and those by other settings."""

    def run(self) -> None:
        from lin_ft.benchmark.packing import pack

        config, models, cells, store = self.opened(with_older=True, repair=self.repair)
        done = pack(store, config, models, cells, older=self.older, repair=self.repair, prune=self.prune)
        for part, total in done.total.items():
            if not total and not done.pruned[part]:
                continue
            told = [f"{done.folded[part]} new"] if done.folded[part] else []
            told += [f"{done.pruned[part]} dropped"] if done.pruned[part] else []
            print(f"{store.folder / part}.jsonl.gz: {total} records" + (f" ({', '.join(told)})" if told else "") + ".")
        for reason, names in done.refused.items():
            what = "cell" if len(names) == 1 else "cells"
            print(f"  not taken, {len(names)} {what}: {reason.rstrip('.')} ({_first(names)}).")
        for name, count in done.dropped.items():
            print(f"  left out: {name} of {count} cells, a score there is no longer.")
        for name, count in done.unseen.items():
            print(
                f"  {name} is not on this machine: scores of {count} cells that saw its images are taken as they are."
            )
        if done.damaged:
            print(f"  damaged, to be computed again: {_first(done.damaged)}.")
        _say_outdated(store, cells)
        try:
            print(_collected(store, cells, store.folder / "table.parquet"))
        except InputError as error:
            print(f"no table: {error}")


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
        config, _, cells, store = self.opened(planned=True)
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
        from lin_ft.benchmark.config import PlannedModel
        from lin_ft.benchmark.plan import plan

        config, models, cells, store = self.opened(planned=True)
        result = plan(config, models, cells, store)
        for part in config.parts:
            grid = f"{len(part.tasks)} tasks x {len(part.shots)} shots x {len(part.seeds)} seeds"
            print(f"{config.name}: {len(models)} models x {grid}")
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
    """The benchmark: run, status, pack, collect, report, plan."""

    action: (
        Annotated[BenchRun, tyro.conf.subcommand("run")]
        | Annotated[BenchStatus, tyro.conf.subcommand("status")]
        | Annotated[BenchPack, tyro.conf.subcommand("pack")]
        | Annotated[BenchCollect, tyro.conf.subcommand("collect")]
        | Annotated[BenchReport, tyro.conf.subcommand("report")]
        | Annotated[BenchPlan, tyro.conf.subcommand("plan")]
    )

    def run(self) -> None:
        self.action.run()


def _sentence(store: Any, states: Counter) -> str:
    total = sum(states.values())
    finished = states["done"] + states["diverged"]
    shown = {"partial": "lacking some scores"}
    parts = [
        f"{states[name]} {shown.get(name, name)}"
        for name in ("diverged", "running", "failed", "partial", "missing")
        if states[name]
    ]
    return f"{store.folder}: {finished} of {total} cells finished" + (f" ({', '.join(parts)})" if parts else "") + "."


def _missing(store: Any, cells: Sequence[Any]) -> dict[str, int]:
    """Score -> number of cells that have others but lack it."""
    lacking = [store.missing(cell) for cell in cells]
    partly = [each for cell, each in zip(cells, lacking, strict=True) if 0 < len(each) < len(cell.wanted)]
    return dict(Counter(name for each in partly for name in dict.fromkeys(wanted.score for wanted in each)))


def _say_outdated(store: Any, cells: Sequence[Any]) -> None:
    from lin_ft.benchmark.store import outdated

    for what, count in sorted(outdated(store.find(cell) for cell in cells).items()):
        print(f"  not counted: {count} records made of other {what} than there are now")


def _collected(store: Any, cells: Sequence[Any], path: Path) -> str:
    from lin_ft.benchmark.collect import collect, write_parquet

    rows = collect(store, cells)
    write_parquet(rows, path)
    return f"{path}: {rows.height} rows, {rows.width} columns."


def _first(names: Sequence[str], count: int = 3) -> str:
    return ", ".join(names[:count]) + (", ..." if len(names) > count else "")


def _duration(seconds: float) -> str:
    hours, rest = divmod(round(seconds / 60), 60)
    return f"{hours} h {rest:02d} min" if hours else f"{rest} min"
