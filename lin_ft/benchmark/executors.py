"""Who works through the cells: one protocol, local processes by default, a Ray cluster as an extra."""

import contextlib
import dataclasses
import logging
import multiprocessing
import os
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from lin_ft.benchmark.config import BenchConfig, Cell, Part
from lin_ft.benchmark.store import Store
from lin_ft.errors import InputError

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


def environment(cores: int) -> dict[str, str]:
    """Variables for a worker of so many cores.

    One core: no thread pools, since two workers of one thread do twice the work of one of two. glibc keeps freed memory
    in place of giving it back to the system at every step: 19 % less CPU time in training.
    """
    variables = {"MALLOC_MMAP_THRESHOLD_": str(2**32), "MALLOC_TRIM_THRESHOLD_": str(2**33)}
    if cores == 1:
        flags = (
            os.environ.get("XLA_FLAGS", ""),
            "--xla_cpu_multi_thread_eigen=false",
            "intra_op_parallelism_threads=1",
        )
        variables |= {"XLA_FLAGS": " ".join(flags).strip(), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return variables


def shares(workers: int) -> list[set[int]]:
    """Of this process's cores, one set a worker; empty sets, for no choice, where there are fewer cores or no sets."""
    if not hasattr(os, "sched_getaffinity"):
        return [set()] * workers
    cores = sorted(os.sched_getaffinity(0))
    size = len(cores) // workers
    return [set(cores[place * size : (place + 1) * size]) for place in range(workers)]


def local(job: Job, workers: int) -> None:
    """`workers` processes of this machine, each on cores of its own; one works in this process.

    A worker that dies is reported, and its cell is taken over by another. Workers stop when this process is gone.
    """
    if workers == 1:
        work_through(job)
        return
    context = multiprocessing.get_context("spawn")
    mine = shares(workers)
    processes = [context.Process(target=_worker, args=(job, os.getpid(), cores)) for cores in mine]
    try:
        with _started_with(environment(max(1, len(mine[0])))):
            for process in processes:
                process.start()
        for process in processes:
            process.join()
    finally:
        for process in processes:
            if process.is_alive():
                process.terminate()
                process.join()
    codes = Counter(process.exitcode for process in processes if process.exitcode)
    for code, count in codes.items():
        reason = f"killed by signal {-code}" if code and code < 0 else f"ended with exit code {code}"
        logger.warning("%d of %d workers %s.", count, workers, reason)
    if codes.get(2):
        raise InputError("A worker could not go on; its sentence is above. What is finished stays; run again.")


@contextlib.contextmanager
def _started_with(variables: dict[str, str]) -> Iterator[None]:
    """Processes started inside the block have these environment variables, but for those that are set already."""
    before = dict(os.environ)
    os.environ.update(variables | {name: before[name] for name in before.keys() & variables if name != "XLA_FLAGS"})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _worker(job: Job, parent: int, cores: set[int]) -> None:
    import sys

    if cores:
        os.sched_setaffinity(0, cores)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("lin_ft").setLevel(logging.INFO)
    try:
        work_through(job, stop=lambda: os.getppid() != parent)
    except InputError as error:
        print(f"lin-ft: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        os._exit(130)


RETRIES = 3
"""Of a Ray task whose worker was killed."""


def on_ray(job: Job, workers: int) -> None:
    """One Ray task a cell on the cluster that RAY_ADDRESS names, or on a new local one of `workers` CPUs.

    The folder must be shared by all nodes. A task whose worker is killed is started again elsewhere.
    """
    try:
        import ray
        from ray.exceptions import RayError
    except ImportError as error:
        raise InputError("--executor ray: Ray is not installed; pip install 'lin-ft[ray]'.") from error
    started = not ray.is_initialized()
    if started:
        cluster = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": workers, "include_dashboard": False}
        ray.init(log_to_driver=False, **cluster)
    try:
        task = ray.remote(num_cpus=1, max_retries=RETRIES)(_do_remotely)
        _, cells = job.cells()
        job = dataclasses.replace(job, folder=job.folder.resolve())
        store = Store(job.folder)
        running = {task.remote(cell, job): cell for cell in cells if store.missing(cell)}
        while running:
            (done, *_), _ = ray.wait(list(running))
            cell = running.pop(done)
            try:
                sentence = ray.get(done)
            except RayError as error:
                logger.warning("%s: its worker died %d times.", cell.label, RETRIES + 1)
                store.fail(cell, f"the worker died {RETRIES + 1} times", str(error))
                continue
            if sentence:
                raise InputError(sentence)
    finally:
        if started:
            ray.shutdown()


def _do_remotely(cell: Cell, job: Job) -> str:
    """An error sentence, or an empty string."""
    models, _ = job.cells()
    store = Store(job.folder)
    try:
        while not do_cell(cell, job, models, store):
            time.sleep(1)
    except InputError as error:
        return str(error)
    return ""


EXECUTORS: dict[str, Executor] = {"local": local, "ray": on_ray}
