"""What is done in one cell, and what is recorded with it."""

import contextlib
import dataclasses
import functools
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from lin_ft.benchmark.config import BenchConfig, Cell
from lin_ft.benchmark.suite import suite_scores
from lin_ft.errors import DivergedError
from lin_ft.provenance import provenance
from lin_ft.zoo import ZooModel


def work(cell: Cell, config: BenchConfig, model: ZooModel) -> dict[str, Any]:
    """The cell's result as JSON types, with what it was made by. Raises whatever the work raises.

    A fine-tuning that diverges at every learning rate is a result: status "diverged", no accuracy.
    """
    reset_peak_memory()
    began, worked = time.monotonic(), time.process_time()
    task = _task(cell.task, cell.shots, cell.seed, config.side(model.card.image_size), config.max_test)
    result = {"finetune": _finetune, "scores": _scores}[cell.part](cell, config, model, task)
    of_task = {"task_name": task.name, "n": task.n, "n_classes": task.n_classes, "n_test": len(task.test)}
    made = {
        "seconds": round(time.monotonic() - began, 3),
        "cpu_seconds": round(time.process_time() - worked, 3),  # the fair figure where other work shares the cores
        "peak_memory_mb": peak_memory(),
    }
    return {"status": "done", **of_task, **_of_model(model), **result, **made, **provenance()}


@functools.lru_cache(maxsize=2)
def _task(name: str, shots: int, seed: int, size: int, max_test: int):
    from lin_ft.data import load_task

    return load_task(name, shots=max(shots, 1), whole=not shots, seed=seed, size=size, max_test=max_test)


def _finetune(cell: Cell, config: BenchConfig, model: ZooModel, task: Any) -> dict[str, Any]:
    from lin_ft.finetune import finetune

    try:
        result = finetune(model, task, dataclasses.replace(config.finetune, seed=cell.seed))
    except DivergedError as error:
        return {"status": "diverged", "reason": str(error), "test_accuracy": None}
    values = result.as_dict()
    correct = "".join("01"[bool(value)] for value in values.pop("correct"))
    kept = ("learning_rate", "weight_decay", "validation_accuracy", "test_accuracy", "test_accuracy_interval", "curve")
    for point in values["grid"]:
        point["curve"] = [None if value is None else round(value, 6) for value in point["curve"]]
    kept += ("grid",)
    return {**{name: values[name] for name in kept}, "correct": correct}


def _scores(cell: Cell, config: BenchConfig, model: ZooModel, task: Any) -> dict[str, Any]:
    """Predictions under each head, k nearest neighbours, and the suite, each with its seconds."""
    from lin_ft.ranking import RankConfig, View, describe
    from lin_ft.scores.nearest_neighbours import nearest_neighbours

    scores: dict[str, float | None] = {}
    seconds: dict[str, float] = {}
    # No reference: whether a model is the reference is worked out from the whole matrix.
    view = View(model, task, RankConfig(probes=config.probes, seed=cell.seed, reference=""))
    for head in config.heads:
        for left_out in config.left_out:
            row = describe(view.under(head=head, left_out=left_out))
            name = head if left_out == "image" else f"{head}-{left_out}"
            scores[f"predicted_accuracy/{name}"] = row.predicted_accuracy
            scores[f"predicted_loss/{name}"] = -row.predicted_loss
            scores[f"label_gradient/{head}"] = row.label_gradient
            scores.setdefault("label_feature_correlation", row.label_feature_correlation)
            seconds[name] = row.seconds
    features, began = view.features, time.monotonic() - view.spent["features"]
    scores["nearest_neighbours"] = nearest_neighbours(features, task.train.labels)
    seconds["nearest_neighbours"] = round(time.monotonic() - began, 3)
    names = json.loads(dict(cell.settings)["scores"])
    rows = suite_scores(view.under(head="random", source_shots=config.source_shots), names)
    scores |= {name: row["value"] for name, row in rows.items()}
    seconds |= {name: row["seconds"] for name, row in rows.items()}
    parts = {name: row["parts"] for name, row in rows.items() if "parts" in row}
    reasons = {name: row["reason"] for name, row in rows.items() if "reason" in row}
    finite = {name: None if value is None or not np.isfinite(value) else float(value) for name, value in scores.items()}
    return {"scores": finite, "score_parts": parts, "score_seconds": seconds, "no_score": reasons}


def _of_model(model: ZooModel) -> dict[str, Any]:
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
