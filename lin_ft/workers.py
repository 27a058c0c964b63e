"""Work done side by side: processes of this machine on cores of their own, or tasks of a Ray cluster.

Each result is handed over as soon as it is there. What a lost worker was doing is done again.
"""

import contextlib
import logging
import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from multiprocessing import connection
from typing import Any, NamedTuple, Protocol, runtime_checkable

from lin_ft.errors import InputError

logger = logging.getLogger(__name__)

RETRIES = 3
"""Of an item whose worker was lost."""


class Lost(NamedTuple):
    """In place of a result: the workers at this item were lost, one after the other."""

    reason: str


@runtime_checkable
class Executor(Protocol):
    """(work, items, workers) -> (place of the item, its result), as they are done, in any order.

    `work` and the items are pickled. An InputError of the work is raised here; `kind` tells which items are best done
    by one worker, one after the other.
    """

    def __call__(
        self, work: Callable[[Any], Any], items: Sequence[Any], workers: int, kind: Callable[[Any], Hashable]
    ) -> Iterator[tuple[int, Any]]:
        """Do all items."""
        ...


def checked(workers: int, executor: str) -> Executor:
    """The executor of that name.

    Raises:
        InputError: an unknown one; fewer workers than one; more processes than this machine has cores for.
    """
    if executor not in EXECUTORS:
        raise InputError(f"--executor {executor}: unknown; one of {', '.join(EXECUTORS)}.")
    if workers < 1:
        raise InputError(f"--workers {workers}: give at least 1.")
    if executor == "local" and workers > (cores := n_cores()):
        raise InputError(
            f"--workers {workers}: this process may use {cores} core{'s' if cores > 1 else ''}, and each worker needs"
            f" one; give at most {cores}."
        )
    return EXECUTORS[executor]


def n_cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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


@contextlib.contextmanager
def started_with(variables: dict[str, str]) -> Iterator[None]:
    """Processes started inside the block have these environment variables, but for those that are set already."""
    before = dict(os.environ)
    os.environ.update(variables | {name: before[name] for name in before.keys() & variables if name != "XLA_FLAGS"})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def began(target: Callable[..., None], arguments: tuple[Any, ...], cores: set[int], share: int) -> Any:
    """A started process that calls target(*arguments, its parent's number, its cores)."""
    process = multiprocessing.get_context("spawn").Process(target=target, args=(*arguments, os.getpid(), cores))
    with started_with(environment(max(1, share))):
        process.start()
    return process


def settled(cores: set[int]) -> None:
    """Take these cores and write what lin_ft says to standard error: the first thing that a worker does."""
    if cores:
        os.sched_setaffinity(0, cores)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("lin_ft").setLevel(logging.INFO)


def ended(code: int | None) -> str:
    """How a process ended."""
    return f"killed by signal {-code}" if code and code < 0 else f"ended with exit code {code}"


def local(
    work: Callable[[Any], Any], items: Sequence[Any], workers: int, kind: Callable[[Any], Hashable]
) -> Iterator[tuple[int, Any]]:
    """`workers` processes of this machine, each on cores of its own; one works in this process."""
    if workers == 1:
        for place, item in enumerate(items):
            yield place, work(item)
        return
    left, tries = list(range(len(items))), Counter()
    desks = [_Desk(work, cores) for cores in shares(min(workers, len(items)))]

    def next_for(desk: _Desk) -> int | None:
        """Of the kind that this worker did last, else of one that nobody is at, else the first."""
        others = {kind(items[each.place]) for each in desks if each.place is not None and each is not desk}
        mine = [place for place in left if kind(items[place]) == desk.kind]
        free = [place for place in left if kind(items[place]) not in others]
        return next(iter([*mine, *free, *left]), None)

    def give(desk: _Desk) -> None:
        place = next_for(desk)
        if place is not None:
            left.remove(place)
            tries[place] += 1
            desk.kind = kind(items[place])
            desk.start(place, items[place])

    try:
        for desk in desks:
            give(desk)
        while busy := [(desk, desk.place) for desk in desks if desk.place is not None]:
            connection.wait([waited for desk, _ in busy for waited in (desk.pipe, desk.process.sentinel)])
            for desk, place in busy:
                state, value = desk.answer()
                if state == "lost":
                    logger.warning("A worker was %s; what it did is done again.", value)
                    if tries[place] > RETRIES:
                        yield place, Lost(f"the worker died {tries[place]} times ({value})")
                    else:
                        left.insert(0, place)
                elif state == "error":
                    raise value
                elif state == "done":
                    yield place, value
            for desk in desks:
                if desk.place is None and left:
                    give(desk)
    finally:
        for desk in desks:
            desk.close()


class _Desk:
    """A place for one worker at a time, with cores of its own."""

    def __init__(self, work: Callable[[Any], Any], cores: set[int]) -> None:
        self.work, self.cores = work, cores
        self.kind: Hashable = None
        self.place: int | None = None
        self.process: Any = None
        self.pipe: Any = None

    def start(self, place: int, item: Any) -> None:
        if self.process is None:
            self.pipe, other = multiprocessing.get_context("spawn").Pipe()
            self.process = began(_serve, (self.work, other), self.cores, len(self.cores))
            other.close()
        self.place = place
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it died: `answer` says so
            self.pipe.send(item)

    def answer(self) -> tuple[str, Any]:
        """("done", result), ("error", exception), ("lost", how) or ("none", None); all but the last free the place."""
        with contextlib.suppress(EOFError, ConnectionResetError):
            if self.pipe.poll():
                state, value = self.pipe.recv()
                self.place = None
                return state, value
            if self.process.is_alive():
                return "none", None
        self.process.join()
        reason = ended(self.process.exitcode)
        self.process, self.kind, self.place = None, None, None
        return "lost", reason

    def close(self) -> None:
        if self.process is not None and self.process.is_alive():
            if self.place is None:
                with contextlib.suppress(OSError):
                    self.pipe.send(None)
                self.process.join(timeout=5)
            self.process.terminate()
            self.process.join()


def _serve(work: Callable[[Any], Any], pipe: Any, parent: int, cores: set[int]) -> None:
    settled(cores)
    try:
        while True:
            while not pipe.poll(1.0):
                if os.getppid() != parent:
                    return
            item = pipe.recv()
            if item is None:
                return
            try:
                answer = "done", work(item)
            except InputError as error:
                answer = "error", error
            except Exception as error:
                logger.exception("A worker could not go on.")
                answer = "error", RuntimeError(f"{type(error).__name__}: {error}")
            pipe.send(answer)
    except (EOFError, BrokenPipeError):
        return
    except KeyboardInterrupt:
        os._exit(130)


def on_ray(
    work: Callable[[Any], Any], items: Sequence[Any], workers: int, kind: Callable[[Any], Hashable]
) -> Iterator[tuple[int, Any]]:
    """One Ray task an item on the cluster that RAY_ADDRESS names, or on a new local one of `workers` CPUs.

    A task whose worker is killed is started again elsewhere.
    """
    try:
        import ray
        from ray.exceptions import RayError
    except ImportError as error:
        raise InputError("--executor ray: Ray is not installed; pip install 'lin-ft[ray]'.") from error
    begun = not ray.is_initialized()
    if begun:
        cluster = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": workers, "include_dashboard": False}
        ray.init(log_to_driver=False, **cluster)
    try:
        task, shared = ray.remote(num_cpus=1, max_retries=RETRIES)(_do_remotely), ray.put(work)
        running = {task.remote(shared, item): place for place, item in enumerate(items)}
        while running:
            (done, *_), _ = ray.wait(list(running))
            place = running.pop(done)
            try:
                state, value = ray.get(done)
            except RayError as error:
                logger.warning("A task was lost: its worker died %d times.", RETRIES + 1)
                yield place, Lost(f"the worker died {RETRIES + 1} times ({str(error).splitlines()[0]})")
                continue
            if state == "error":
                raise InputError(value)
            yield place, value
    finally:
        if begun:
            ray.shutdown()


def _do_remotely(work: Callable[[Any], Any], item: Any) -> tuple[str, Any]:
    try:
        return "done", work(item)
    except InputError as error:
        return "error", str(error)


EXECUTORS: dict[str, Executor] = {"local": local, "ray": on_ray}
