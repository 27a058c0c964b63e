"""What a benchmark will cost, before anything runs."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from lin_ft.benchmark.check import task_sizes
from lin_ft.benchmark.config import BenchConfig, Cell
from lin_ft.benchmark.store import Store
from lin_ft.zoo import ZooModel

BACKWARD = 2
"""A backward pass costs about two forward passes."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """Counts, work and cost of a benchmark. Times are None until a cell of that part is finished here."""

    cells: dict[str, int]
    finished: dict[str, int]
    flops: float
    """Of all fine-tuning: (1 + 2) forward passes x images x pairs of the grid, and validation and test passes."""
    seconds_a_cell: dict[str, float | None]
    """Mean of the finished cells, as measured on the devices that did them."""
    hours_left: float | None
    """Device-hours of one worker for the cells that are missing."""
    disk_bytes: int
    """Of all cell files."""


def plan(config: BenchConfig, models: Sequence[ZooModel], cells: Sequence[Cell], store: Store) -> Plan:
    """Reads finished cells for their time and size; runs nothing. FLOPs come from XLA's count of one forward pass."""
    counts = {part: sum(cell.part == part for cell in cells) for part in ("scores", "finetune")}
    finished, seconds = dict.fromkeys(counts, 0), dict.fromkeys(counts, 0.0)
    sizes: list[int] = []
    for cell in cells:
        values = store.read(cell)
        if values is not None:
            finished[cell.part] += 1
            seconds[cell.part] += values["seconds"]
            sizes.append((Path(store.folder) / "cells" / cell.filename).stat().st_size)
    each = {part: seconds[part] / finished[part] if finished[part] else None for part in counts}
    left = [None if value is None else (counts[part] - finished[part]) * value for part, value in each.items()]
    known = [value for value in left if value is not None]
    size = sum(sizes) / len(sizes) if sizes else 6000  # bytes of a usual cell
    return Plan(
        cells=counts,
        finished=finished,
        flops=_flops(config, models),
        seconds_a_cell=each,
        hours_left=sum(known) / 3600 if len(known) == len(left) else None,
        disk_bytes=int(size * len(cells)),
    )


def _flops(config: BenchConfig, models: Sequence[ZooModel]) -> float:
    tuning = config.finetune
    pairs = len(tuning.learning_rates) * len(tuning.weight_decays)
    tested = pairs if tuning.test_every_point else 1
    total = 0.0
    forward: dict[tuple[str, int], float] = {}
    classes = task_sizes(config.tasks)
    for model in models:
        kind = model.card.architecture, model.card.image_size
        if kind not in forward:
            forward[kind] = forward_flops(model)
        for task in config.tasks:
            for shots in config.shots:
                n_classes = classes[task] or 10
                training = (1 + BACKWARD) * tuning.steps_for(shots * n_classes) * tuning.batch_size * pairs
                validation = max(2, min(shots // 2, 10)) * n_classes * pairs
                total += len(config.seeds) * forward[kind] * (training + validation + tested * MOST_TEST_IMAGES)
    return total


MOST_TEST_IMAGES = 2000
"""`load_task` thins larger test sets; smaller ones cost less than planned."""


def forward_flops(model: ZooModel) -> float:
    """FLOPs of one image's forward pass: a multiplication and an addition count as two. Lowers, never compiles."""
    import jax
    import jax.numpy as jnp

    module = model.module()
    side = model.card.image_size
    image = jax.ShapeDtypeStruct((1, side, side, 3), jnp.float32)
    shapes = jax.eval_shape(module.init, jax.random.key(0), image)
    cost = jax.jit(lambda variables, x: module.apply(variables, x)).lower(shapes, image).cost_analysis()
    return float(cost["flops"]) if isinstance(cost, dict) and "flops" in cost else float("nan")
