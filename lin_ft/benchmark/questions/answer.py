"""One answered question: a sentence with its figures and intervals, and what its page shows below."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lin_ft.benchmark.summary import Estimate, number

Drawing = Callable[[Path], None]
"""Writes a picture; PNG, PDF or what the suffix says."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """`sentence` holds the figures with their intervals; `numbers` the same for machines."""

    slug: str
    """Name of its page: letters and underscores."""
    question: str
    verdict: str
    """In a few words, the same words where nothing changed: what one matrix says is compared with another by it."""
    sentence: str
    numbers: dict[str, Any]
    lines: tuple[str, ...] = ()
    """Markdown tables below the sentence."""
    pictures: Mapping[str, Drawing] = dataclasses.field(default_factory=dict)
    """Name of a file, without suffix -> what draws it."""


def verdict(estimate: Estimate, up: str, down: str) -> str:
    """`up` where the whole interval is above 0, `down` where it is below, else that it is undecided."""
    return up if estimate[1] > 0 else down if estimate[2] < 0 else "undecided"


def with_interval(value: Estimate, scale: float = 1.0, digits: int = 2) -> str:
    """Mean [low, high]; the mean alone where there is no interval."""
    middle, low, high = (f"{scale * part:.{digits}f}" for part in value)
    return "–" if np.isnan(value[0]) else middle if np.isnan(value[1]) else f"{middle} [{low}, {high}]"


def points(value: Estimate) -> str:
    """Of a fraction, in points (percent of test images)."""
    return with_interval(value, 100.0, 1)


def by_task(tasks: Sequence[str], columns: Mapping[str, np.ndarray], kinds: Mapping[str, str]) -> list[str]:
    """A Markdown table: one line a task, then the mean; `kinds` names the statistic whose unit a column has."""
    lines = ["| task | " + " | ".join(columns) + " |", "| --- |" + " ---: |" * len(columns)]
    for place, task in enumerate(tasks):
        cells = [number(float(values[place]), kinds.get(name, "spearman")) for name, values in columns.items()]
        lines.append(f"| {task} | " + " | ".join(cells) + " |")
    means = [
        number(float(np.nanmean(values)) if np.isfinite(values).any() else np.nan, kinds.get(name, "spearman"))
        for name, values in columns.items()
    ]
    return [*lines, "| **mean** | " + " | ".join(means) + " |"]
