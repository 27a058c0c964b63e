"""Who works through the cells: one protocol, local processes by default, a Ray cluster as an extra."""

import dataclasses
import functools
import logging
import os
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from lin_ft.benchmark.config import BenchConfig, Cell, Part
from lin_ft.benchmark.store import Store
from lin_ft.errors import InputError
from lin_ft.workers import Lost, began, ended, settled, shares
from lin_ft.workers import on_ray as workers_on_ray

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Job:
    """A benchmark and its folder; picklable."""

    config: BenchConfig
    folder: Path
    part: Part | None = None
    """Only the scores, or only the fine-tunings."""
    shots: tuple[int, ...] = ()
    seeds: tuple[int, ...] = ()
    """Only these; empty: all."""

    def chosen(self, cells: Sequence[Cell]) -> tuple[Cell, ...]:
        """Those of the cells that are to be done."""
        return tuple(
            cell
            for cell in cells
            if self.part in (None, cell.part)
            and cell.shots in (self.shots or (cell.shots,))
            and cell.seed in (self.seeds or (cell.seed,))
        )

    def cells(self) -> tuple[dict[str, Any], tuple[Cell, ...]]:
        """The models by name, and the cells in the order in which they are done."""
        from lin_ft.benchmark.check import resolve

        models, cells = resolve(self.config)
        return {model.name: model for model in models}, self.chosen(cells)


class Executor(Protocol):
    """Works through all cells of a job that are not finished. Returns when every one is done or has failed."""

    def __call__(self, job: Job, workers: int) -> None:
        """Work through the cells of `job` with that many workers."""


def do_cell(cell: Cell, job: Job, models: dict[str, Any], store: Store) -> bool:
    """Do what is missing of one cell unless someone else is at it (False). Errors of the work are kept, not raised.

    Raises InputError when the store cannot be written: every other cell would fail the same way.
    """
    from lin_ft.benchmark.work import work

    with store.claim(cell) as mine:
        if not mine:
            return False
        store.refresh()
        missing = store.missing(cell)
        if not missing:
            return True
        cell = dataclasses.replace(cell, wanted=missing)
        try:
            values = work(cell, job.config, models[cell.model], store.draws)
        except Exception as error:
            logger.warning("%s: failed, %s: %s", cell.label, type(error).__name__, error)
            store.fail(cell, f"{type(error).__name__}: {error}", traceback.format_exc())
            return True
        store.write(cell, values)
        logger.info("%s: %s in %.1f s", cell.label, _outcome(values), values["seconds"])
    return True


def _outcome(values: dict[str, Any]) -> str:
    if values["status"] == "diverged":
        return "diverged"
    accuracy = values.get("test_accuracy")
    return _count(len(values["scores"]), "score") if accuracy is None else f"test accuracy {accuracy:.1%}"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def work_through(job: Job, stop: Callable[[], bool] = lambda: False, poll: float = 1.0) -> None:
    """One worker: every cell not yet finished, then wait for those claimed by others and take over what they drop."""
    models, cells = job.cells()
    store, tried = Store(job.folder), set()
    while not stop():
        store.refresh()
        left = [cell for cell in cells if cell not in tried and store.missing(cell)]
        left = [cell for cell in left if store.failure(cell) is None]
        if not left:
            return
        progress = False
        for cell in left:
            if stop():
                return
            if do_cell(cell, job, models, store):
                tried.add(cell)
                progress = True
        if not progress:
            time.sleep(poll)


def local(job: Job, workers: int) -> None:
    """`workers` processes of this machine, each on cores of its own; one works in this process.

    A worker that dies is reported, and its cell is taken over by another. Workers stop when this process is gone.
    """
    if workers == 1:
        work_through(job)
        return
    mine = shares(workers)
    processes = []
    try:
        for cores in mine:
            processes.append(began(_worker, (job,), cores, len(mine[0])))
        for process in processes:
            process.join()
    finally:
        for process in processes:
            if process.is_alive():
                process.terminate()
                process.join()
    codes = Counter(process.exitcode for process in processes if process.exitcode)
    for code, count in codes.items():
        logger.warning("%d of %d workers %s.", count, workers, ended(code))
    if codes.get(2):
        raise InputError("A worker could not go on; its sentence is above. What is finished stays; run again.")


def _worker(job: Job, parent: int, cores: set[int]) -> None:
    import sys

    settled(cores)
    try:
        work_through(job, stop=lambda: os.getppid() != parent)
    except InputError as error:
        print(f"lin-ft: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        os._exit(130)


def on_ray(job: Job, workers: int) -> None:
    """One Ray task a cell, see `lin_ft.workers.on_ray`. The folder must be shared by all nodes."""
    _, cells = job.cells()
    job = dataclasses.replace(job, folder=job.folder.resolve())
    store = Store(job.folder)
    cells = [cell for cell in cells if store.missing(cell)]
    for place, lost in workers_on_ray(functools.partial(_cell_alone, job), cells, workers, kind=lambda cell: None):
        if isinstance(lost, Lost):
            logger.warning("%s: %s.", cells[place].label, lost.reason)
            store.fail(cells[place], lost.reason, lost.reason)


def _cell_alone(job: Job, cell: Cell) -> None:
    models, _ = job.cells()
    store = Store(job.folder)
    while not do_cell(cell, job, models, store):
        time.sleep(1)


EXECUTORS: dict[str, Executor] = {"local": local, "ray": on_ray}
