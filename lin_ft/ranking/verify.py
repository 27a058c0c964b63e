"""A ranking held against real fine-tuning."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lin_ft.data import Task
from lin_ft.finetune import FinetuneConfig, finetune
from lin_ft.zoo import ZooModel

if TYPE_CHECKING:
    from lin_ft.ranking.result import Ranking


def verified(
    ranking: "Ranking",
    zoo: Sequence[ZooModel],
    task: Task,
    place: int,
    config: FinetuneConfig | None = None,
    *,
    progress: bool = False,
) -> "Ranking":
    """The same ranking, with the model at `place` (0: the first) fine-tuned for real."""
    (model,) = (model for model in zoo if model.name == ranking.models[place].name)
    result = finetune(model, task, config, progress=progress)
    rows = list(ranking.models)
    rows[place] = dataclasses.replace(rows[place], measured=result)
    reference = next((row.measured for row in rows if row.name == ranking.reference), None)
    if reference:
        rows = [
            dataclasses.replace(row, measured_gain=row.measured.comparable[0] - reference.comparable[0])
            if row.measured
            else row
            for row in rows
        ]
    return dataclasses.replace(ranking, models=tuple(rows))


def verdict(ranking: "Ranking") -> str:
    """One sentence: did fine-tuning order the measured models as predicted?"""
    rows = [row for row in ranking.models if row.measured]
    if len(rows) < 2:
        return "Fine-tune at least two models to check the order."
    accuracies = [row.measured.comparable[0] for row in rows if row.measured]
    balanced = " balanced accuracy" if any(row.measured and row.measured.unbalanced for row in rows) else ""
    pairs = [(i, j) for i in range(len(rows)) for j in range(i + 1, len(rows))]
    right = sum(accuracies[i] > accuracies[j] for i, j in pairs)
    return (
        f"Fine-tuned for real, {rows[0].name} reaches {accuracies[0]:.1%}{balanced} and"
        f" {rows[-1].name} {accuracies[-1]:.1%}: {right} of {len(pairs)} pairs are in the predicted order."
        + _held(ranking)
    )


def _held(ranking: "Ranking") -> str:
    """How many measured gains lie in their predicted intervals; "" where there are none to compare."""
    inside = [row.held for row in ranking.models if row.held is not None and row.name != ranking.reference]
    return f" {sum(inside)} of {len(inside)} measured gains lie in their 90 % interval." if inside else ""
