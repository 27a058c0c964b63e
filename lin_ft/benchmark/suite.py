"""The scores of `lin_ft.scores.SCORES` for one model and task, each part of the view extracted once."""

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from lin_ft.ranking import View, score_inputs

TRIVIAL = ("random", "largest_model", "source_accuracy", "best_on_average", "reference_always")
"""Rows that the report works out from the matrix itself; see lin_ft.benchmark.static."""


def known_scores() -> tuple[str, ...]:
    """Names in the mapping but the trivial ones; none in a package without the mapping."""
    scores = getattr(importlib.import_module("lin_ft.scores"), "SCORES", {})
    return tuple(name for name in scores if name not in TRIVIAL)


def suite_scores(view: View, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Score -> {"value": …, "seconds": …}, larger is better; `view.config` says with which kernel and source images.

    A score of the whole zoo has "parts" instead, to be combined over the models when the cells are collected
    (`combine_parts`); one that cannot be had here (it needs source images, say) has the "reason".
    """
    if not names:
        return {}
    suite = importlib.import_module("lin_ft.scores")
    found = suite.evaluate(suite.chosen(names), score_inputs(view))
    rows = {}
    for name, scored in found.items():
        row: dict[str, Any] = {"value": scored.value, "seconds": round(scored.seconds, 4)}
        if scored.parts:
            row["parts"] = list(scored.parts)
        elif scored.value is None:
            row["reason"] = scored.reason
        rows[name] = row
    return rows


def combine_parts(name: str, parts: Sequence[Sequence[float]]) -> list[float]:
    """Values of all models of one task from their parts, for a score that looks at the whole zoo."""
    score = importlib.import_module("lin_ft.scores").SCORES[name]
    return [float(value) for value in score.combine(np.asarray(parts, np.float64))]
