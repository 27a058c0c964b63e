"""Intervals: what would change with other tasks, other models, other seeds?"""

from collections.abc import Callable, Collection

import numpy as np
from jaxtyping import Float

from lin_ft.benchmark.results import Results, Row
from lin_ft.errors import InputError

Statistic = Callable[[Row, Row, float], float]
"""(scores of the models, their accuracies, the reference's accuracy) -> a number; see lin_ft.benchmark.STATISTICS."""
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
) -> Float[np.ndarray, " B"]:
    """`repeats` bootstrap samples of the statistic's mean over seeds and tasks.

    Each sample redraws, with replacement, the tasks, the models and the seeds named in `over`; the models drawn are the
    same in all tasks of a sample, and the reference stays what it is. Samples depend only on `seed`, so those of two
    scores are paired: their difference is a bootstrap of the difference. A task where the statistic is undefined (all
    accuracies drawn equal) is left out of that sample's mean.

    Cost: repeats x S x T statistics; without "models" only S x T.
    """
    unknown = [name for name in over if name not in LEVELS]
    if unknown or repeats < 1:
        raise InputError(
            f"bootstrap over {list(over)}, {repeats} repeats: levels are {', '.join(LEVELS)}, repeats 1 on."
        )
    n_seeds, n_tasks, n_models = results.accuracy.shape
    reference = results.reference_accuracy
    whole = None if "models" in over else per_task(statistic, results, scores)
    samples = np.empty(repeats)
    for repeat in range(repeats):
        rng = np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 0, repeat]))
        drawn = {"tasks": n_tasks, "models": n_models, "seeds": n_seeds}
        index = {level: rng.integers(0, n, n) if level in over else np.arange(n) for level, n in drawn.items()}
        if whole is not None:
            values = whole[np.ix_(index["seeds"], index["tasks"])]
        else:
            known: dict[tuple[int, int], float] = {}
            for s, t in {(s, t) for s in index["seeds"].tolist() for t in index["tasks"].tolist()}:
                rows = scores[s, t, index["models"]], results.accuracy[s, t, index["models"]]
                known[s, t] = statistic(*rows, float(reference[s, t]))
            values = np.asarray([[known[s, t] for t in index["tasks"].tolist()] for s in index["seeds"].tolist()])
        samples[repeat] = mean(values)
    return samples


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
