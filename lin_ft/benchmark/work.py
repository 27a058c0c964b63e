"""What is done in one cell, and what is recorded with it."""

import contextlib
import dataclasses
import resource
import sys
import time
from pathlib import Path
from typing import Any

from lin_ft.benchmark.config import BenchConfig, Cell
from lin_ft.benchmark.draws import Draws, digests_of
from lin_ft.benchmark.suite import score_rows, sees_source
from lin_ft.data import Task
from lin_ft.errors import DivergedError, InputError
from lin_ft.provenance import provenance
from lin_ft.zoo import ZooModel


def work(cell: Cell, config: BenchConfig, model: ZooModel, draws: Draws) -> dict[str, Any]:
    """The result of the cell's wanted records, with what they were made of and by, as `new_entry` takes it.

    Raises whatever the work raises.

    A fine-tuning that diverges at every learning rate is a result: status "diverged", no accuracy.
    """
    reset_peak_memory()
    began, worked = time.monotonic(), time.process_time()
    task = draws.task(cell.task, cell.shots, cell.seed, cell.image_size, cell.max_test)
    result = {"finetune": _finetune, "scores": _scores}[cell.part](cell, config, model, task)
    made = {
        "seconds": round(time.monotonic() - began, 3),
        "cpu_seconds": round(time.process_time() - worked, 3),  # the fair figure where other work shares the cores
        "peak_memory_mb": peak_memory(),
    }
    made_of = {"made_of": made_of_now(cell, task, draws)}
    return {"status": "done", **of_task(task), **of_model(model), **result, **made, **made_of, **provenance()}


def _finetune(cell: Cell, config: BenchConfig, model: ZooModel, task: Task) -> dict[str, Any]:
    from lin_ft.finetune import finetune

    largest = {"largest_class": largest_class(task)}
    try:
        result = finetune(model, task, dataclasses.replace(config.finetune, seed=cell.seed))
    except DivergedError as error:
        return {"status": "diverged", "reason": str(error), "test_accuracy": None, **largest}
    values = result.as_dict()
    for point in values["grid"]:
        point["curve"] = [None if value is None else round(value, 6) for value in point["curve"]]
    kept = ("learning_rate", "weight_decay", "validation_accuracy", "test_accuracy", "test_accuracy_interval", "grid")
    balanced = {"balanced_accuracy": result.test_balanced_accuracy, **largest}
    correct = "".join("01"[bool(value)] for value in result.correct)  # 1 for each test image that is right
    return {**{name: values[name] for name in kept}, **balanced, "correct": correct}


def _scores(cell: Cell, config: BenchConfig, model: ZooModel, task: Task) -> dict[str, Any]:
    return {"scores": score_rows(model, task, cell.wanted, config, cell.seed)}


def largest_class(task: Task) -> float:
    """Share of the test images in the largest class: what an accuracy is to be compared with."""
    return float(task.test.counts().max() / len(task.test))


def made_of_now(cell: Cell, task: Task, draws: Draws) -> dict[str, str]:
    """Digests of the images that the result was made of."""
    digests = digests_of(task)
    made_of = {"train": digests.train}
    if cell.part == "finetune":
        made_of["held_out"] = digests.held_out
    shots = {int(dict(each.settings)["source_shots"]) for each in cell.wanted if sees_source(each)}
    for number in shots:  # of one configuration, so one
        with contextlib.suppress(InputError):  # not to be had: those scores have a reason in place of a value
            source = draws.digests(cell.source, number, cell.seed, cell.image_size, cell.max_test)
            made_of |= {"source": source.train} if source else {}
    return made_of


def of_task(task: Task) -> dict[str, Any]:
    """What every record says of the task."""
    return {"task_name": task.name, "n": task.n, "n_classes": task.n_classes, "n_test": len(task.test)}


def of_model(model: ZooModel) -> dict[str, Any]:
    """What every record says of the model."""
    card = model.card
    return {
        "source": card.source,
        "domain": card.domain,
        "architecture": card.architecture,
        "family": card.family,
        "n_params": card.n_params,
        "source_test_accuracy": card.test_accuracy,
    }


def reset_peak_memory() -> None:
    """Start counting anew, where the kernel can (Linux); elsewhere the peak is that of the whole process."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory() -> float:
    """Largest resident size of this process in MB, since `reset_peak_memory` where that works."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1e3
    except (OSError, StopIteration):
        unit = 1e6 if sys.platform == "darwin" else 1e3
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
