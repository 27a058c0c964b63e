"""Intervals: what would change with other tasks, other models, other seeds?"""

from collections.abc import Callable, Collection

import numpy as np
from jaxtyping import Float, Int

from lin_ft.benchmark.results import Results, Row
from lin_ft.errors import InputError

Statistic = Callable[[Row, Row, float], float]
"""(scores of the models, their accuracies, the reference's accuracy) -> a number; see lin_ft.benchmark.STATISTICS."""
Batched = Callable[[Float[np.ndarray, "B M"], Float[np.ndarray, "B M"]], Float[np.ndarray, " B"]]
"""The same of many rows without missing values at once; it needs no reference."""
LEVELS = ("tasks", "models", "seeds")


def per_task(statistic: Statistic, results: Results, scores: Float[np.ndarray, "S T M"]) -> Float[np.ndarray, "S T"]:
    """The statistic of every seed and task."""
    reference = results.reference_accuracy
    return np.asarray(
        [
            [statistic(scores[s, t], results.accuracy[s, t], float(reference[s, t])) for t in range(len(results.tasks))]
            for s in range(len(results.accuracy))
        ],
        np.float64,
    )


def bootstrap(
    statistic: Statistic,
    results: Results,
    scores: Float[np.ndarray, "S T M"],
    *,
    over: Collection[str] = LEVELS,
    repeats: int = 1000,
    seed: int = 0,
    batched: Batched | None = None,
) -> Float[np.ndarray, " B"]:
    """`repeats` bootstrap samples of the statistic's mean over seeds and tasks.

    Each sample redraws, with replacement, the tasks, the models and the seeds named in `over`; the models drawn are the
    same in all tasks of a sample, and the reference stays what it is. Draws depend only on `seed`, so the samples of
    two scores are paired: their difference is a bootstrap of the difference. A task where the statistic is undefined
    (all accuracies drawn equal) is left out of that sample's mean.

    Cost: without "models" S x T statistics, else repeats x S x T; there `batched`, the same statistic for many draws at
    once, saves most of the time.
    """
    unknown = [name for name in over if name not in LEVELS]
    if unknown or repeats < 1:
        raise InputError(f"bootstrap over {list(over)}, {repeats} repeats: levels are {', '.join(LEVELS)}.")
    rng = np.random.Generator(np.random.Philox(key=seed))
    sizes = {"tasks": len(results.tasks), "models": len(results.models), "seeds": len(results.accuracy)}
    drawn = {level: rng.integers(0, n, (repeats, n)) for level, n in sizes.items()}
    drawn |= {level: np.tile(np.arange(n), (repeats, 1)) for level, n in sizes.items() if level not in over}
    if "models" in over:
        values = _of_drawn_models(statistic, results, scores, drawn["models"], batched)
    else:
        values = np.broadcast_to(per_task(statistic, results, scores), (repeats, sizes["seeds"], sizes["tasks"]))
    samples = values[np.arange(repeats)[:, None, None], drawn["seeds"][:, :, None], drawn["tasks"][:, None, :]]
    defined = np.isfinite(samples)
    count = defined.sum(axis=(1, 2))
    total = np.where(defined, samples, 0.0).sum(axis=(1, 2))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _of_drawn_models(
    statistic: Statistic,
    results: Results,
    scores: Float[np.ndarray, "S T M"],
    models: Int[np.ndarray, "B M"],
    batched: Batched | None,
) -> Float[np.ndarray, "B S T"]:
    values = np.empty((len(models), *scores.shape[:2]))
    reference = results.reference_accuracy
    for s, t in np.ndindex(*scores.shape[:2]):
        row, accuracy = scores[s, t], results.accuracy[s, t]
        if batched is not None and np.isfinite(row).all() and np.isfinite(accuracy).all():
            values[:, s, t] = batched(row[models], accuracy[models])
        else:
            values[:, s, t] = [statistic(row[m], accuracy[m], float(reference[s, t])) for m in models]
    return values


def mean(values: Float[np.ndarray, "..."]) -> float:
    """Over all values that are defined; NaN when none is."""
    kept = values[np.isfinite(values)]
    return float(kept.mean()) if kept.size else float("nan")


def interval(samples: Float[np.ndarray, " B"], level: float = 0.95) -> tuple[float, float]:
    """Percentile interval; NaN samples are left out."""
    if not 0 < level < 1:
        raise InputError(f"level {level}: give a share between 0 and 1.")
    kept = samples[np.isfinite(samples)]
    if not kept.size:
        return float("nan"), float("nan")
    low, high = np.quantile(kept, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
