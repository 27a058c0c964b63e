"""The scores of `lin_ft.scores.SCORES` for one model and task, features and kernel extracted once."""

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np

TRIVIAL = ("random", "largest_model", "source_accuracy", "best_on_average", "reference_always")
"""Rows that the report works out from the matrix itself; see lin_ft.benchmark.static."""


def known_scores() -> tuple[str, ...]:
    """Names in the mapping but the trivial ones; none in a package without the mapping."""
    scores = getattr(importlib.import_module("lin_ft.scores"), "SCORES", {})
    return tuple(name for name in scores if name not in TRIVIAL)


def suite_scores(
    model: Any, task: Any, names: Sequence[str], *, probes: int, seed: int, source_shots: int = 0
) -> dict[str, dict[str, Any]]:
    """Score -> {"value": …, "seconds": …}, larger is better.

    A score of the whole zoo has "parts" instead, to be combined over the models when the cells are collected
    (`combine_parts`); one that cannot be had here (it needs source images, say) has the "reason".
    """
    if not names:
        return {}
    suite = importlib.import_module("lin_ft.scores")
    found = suite.evaluate(
        suite.chosen(names), inputs(model, task, probes=probes, seed=seed, source_shots=source_shots)
    )
    rows = {}
    for name, scored in found.items():
        row: dict[str, Any] = {"value": scored.value, "seconds": round(scored.seconds, 4)}
        if scored.parts:
            row["parts"] = list(scored.parts)
        elif scored.value is None:
            row["reason"] = scored.reason
        rows[name] = row
    return rows


def inputs(model: Any, task: Any, *, probes: int, seed: int, source_shots: int = 0) -> Any:
    """Everything that scores may ask for by name, from the training images; each is computed when first needed."""
    import jax

    from lin_ft.functions import features_of, with_head
    from lin_ft.heads import init_head
    from lin_ft.kernels import probe_gram
    from lin_ft.scores import encode
    from lin_ft.scores.evaluate import Lazy
    from lin_ft.side_by_side import score_inputs

    apply, params = model.function
    x, labels = model.normalise(task.train.images), np.asarray(task.train.labels)
    targets = encode(labels, task.n_classes) - 1 / task.n_classes
    features = features_of(apply, params, x)

    def kernel() -> np.ndarray:
        key = jax.random.key(seed)
        head = init_head("random", features, targets.astype(x.dtype), key)
        return np.asarray(probe_gram(apply, with_head(params, head), x, probes=probes, key=key, trainable="all"))

    return score_inputs(
        model, task, features=features, targets=targets, kernel=Lazy(kernel), reference="", seed=seed,
        source_shots=source_shots,
    )  # fmt: skip


def combine_parts(name: str, parts: Sequence[Sequence[float]]) -> list[float]:
    """Values of all models of one task from their parts, for a score that looks at the whole zoo."""
    score = importlib.import_module("lin_ft.scores").SCORES[name]
    return [float(value) for value in score.combine(np.asarray(parts, np.float64))]
