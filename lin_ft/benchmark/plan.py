"""What a benchmark will cost, before anything runs."""

import dataclasses
from collections.abc import Sequence

from lin_ft.benchmark.check import task_sizes
from lin_ft.benchmark.config import PARTS, BenchConfig, Cell, PlannedModel, PlannedTask, draws
from lin_ft.benchmark.store import Store
from lin_ft.zoo import ZooModel

BACKWARD = 2
"""A backward pass costs about two forward passes."""
USUAL_BYTES = 9000
"""Of a cell before it is packed."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """Counts, work and cost of a benchmark. Times are None until something of that part is finished here."""

    cells: dict[str, int]
    finished: dict[str, int]
    """Cells that lack no record."""
    flops: float
    """Of all fine-tuning: (1 + 2) forward passes x images x pairs of the grid, and validation and test passes."""
    seconds_a_cell: dict[str, float | None]
    """Mean of the finished cells, as measured on the devices that did them."""
    hours_left: float | None
    """Device-hours of one worker for the cells that are missing."""
    disk_bytes: int
    """Of all finished work, as large as what there is of it."""
    image_bytes: int
    """Of the decoded images of planned tasks, 3 bytes a pixel, in the cache folder."""


def plan(config: BenchConfig, models: Sequence[ZooModel | PlannedModel], cells: Sequence[Cell], store: Store) -> Plan:
    """Reads finished cells for their time and size; runs nothing. FLOPs come from XLA's count of one forward pass."""
    counts = {part: sum(cell.part == part for cell in cells) for part in PARTS}
    finished, done, times = dict.fromkeys(counts, 0), dict.fromkeys(counts, 0.0), dict.fromkeys(counts, 0.0)
    for cell in cells:
        found = store.find(cell).records
        finished[cell.part] += len(found) == len(cell.wanted)
        done[cell.part] += len(found) / len(cell.wanted)  # the share of its records
        entries = {record.entry["key"]: record.entry for record in found.values()}
        times[cell.part] += sum(entry["seconds"] for entry in entries.values())
    each = {part: times[part] / done[part] if done[part] else None for part in counts}
    left = [None if value is None else (counts[part] - done[part]) * value for part, value in each.items()]
    known = [value for value in left if value is not None]
    n_entries = sum(1 for _ in store.entries())
    size = store.size() / n_entries if n_entries else USUAL_BYTES
    return Plan(
        cells=counts,
        finished=finished,
        flops=_flops(config, models),
        seconds_a_cell=each,
        hours_left=sum(known) / 3600 if len(known) == len(left) else None,
        disk_bytes=int(size * len(cells)),
        image_bytes=sum(
            3 * side**2 * (task.n_train + task.n_test)
            for task in config.planned_tasks
            for side in _sides(config, models)
        ),
    )


def _flops(config: BenchConfig, models: Sequence[ZooModel | PlannedModel]) -> float:
    tuning = config.finetune
    pairs = len(tuning.learning_rates) * len(tuning.weight_decays)
    tested = pairs if tuning.test_every_point else 1
    classes = task_sizes(config.tasks)
    planned = {task.name: task for task in config.planned_tasks}
    images = 0.0
    for shots, _, tasks in draws(config):
        for task in tasks:
            known = planned.get(task)
            n, n_validation, n_test = _sizes(shots, known.n_classes if known else classes[task] or 10, known)
            training = (1 + BACKWARD) * tuning.steps_for(n) * tuning.batch_size * pairs
            images += training + n_validation * pairs + tested * min(n_test, config.max_test)
    forward: dict[tuple[str, int], float] = {}
    total = 0.0
    for model in models:
        if isinstance(model, PlannedModel):
            total += 1e9 * model.gflops * images
            continue
        side = config.side(model.card.image_size)
        kind = model.card.architecture, side
        if kind not in forward:
            forward[kind] = forward_flops(model, side)
        total += forward[kind] * images
    return total


def _sizes(shots: int, n_classes: int, task: PlannedTask | None) -> tuple[int, int, int]:
    """Training, validation and test images. Of a task that is not planned the test set may well be smaller."""
    whole = task.n_train if task else MOST_TEST_IMAGES
    n_test = task.n_test if task else MOST_TEST_IMAGES
    if not shots:
        return round(0.9 * whole), round(0.1 * whole), n_test
    return shots * n_classes, max(2, min(shots // 2, 10)) * n_classes, n_test


def _sides(config: BenchConfig, models: Sequence[ZooModel | PlannedModel]) -> set[int]:
    trained_on = (model.image_size if isinstance(model, PlannedModel) else model.card.image_size for model in models)
    return {config.side(side) for side in trained_on}


MOST_TEST_IMAGES = 2000
"""Taken for a task whose size is not known before it is read; smaller ones cost less than planned."""


def forward_flops(model: ZooModel, side: int) -> float:
    """FLOPs of one image's forward pass: a multiplication and an addition count as two. Lowers, never compiles."""
    import jax
    import jax.numpy as jnp

    module = model.module()
    image = jax.ShapeDtypeStruct((1, side, side, 3), jnp.float32)
    shapes = jax.eval_shape(module.init, jax.random.key(0), image)
    cost = jax.jit(lambda variables, x: module.apply(variables, x)).lower(shapes, image).cost_analysis()
    return float(cost["flops"]) if isinstance(cost, dict) and "flops" in cost else float("nan")
