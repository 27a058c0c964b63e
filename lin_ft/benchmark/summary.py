"""All statistics of all scores on one set of results, as plain numbers and as Markdown."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from lin_ft.benchmark.correlation import CORRELATIONS, spearman_of_rows
from lin_ft.benchmark.resampling import LEVELS, Statistic, bootstrap, interval, mean, per_task
from lin_ft.benchmark.results import Results, Scores, check_scores
from lin_ft.benchmark.selection import gain, regret, trials
from lin_ft.benchmark.static import within_groups
from lin_ft.errors import InputError

STATISTICS: dict[str, Statistic] = {
    **{name: lambda s, a, _, f=function: f(s, a) for name, function in CORRELATIONS.items()},
    "regret_1": lambda s, a, _: regret(s, a, 1),
    "regret_3": lambda s, a, _: regret(s, a, min(3, len(a))),
    "gain_1": lambda s, a, reference: gain(s, a, reference, 1),
    "gain_3": lambda s, a, reference: gain(s, a, reference, min(3, len(a))),
    "trials_1_point": lambda s, a, _: trials(s, a, 0.01),
    "trials_best": lambda s, a, _: trials(s, a, 0.0),
}
"""Name -> (scores, accuracies, reference's accuracy) -> number. Regrets and gains are fractions."""

BATCHED = {"spearman": spearman_of_rows}

TITLES = {
    "spearman": "Spearman", "kendall": "Kendall", "weighted_tau": "weighted tau", "pearson": "Pearson",
    "within": "Spearman in groups", "regret_1": "regret top-1", "regret_3": "regret top-3", "gain_1": "gain top-1",
    "gain_3": "gain top-3", "trials_1_point": "trials to 1 point", "trials_best": "trials to the best",
}  # fmt: skip
POINTS = ("regret_1", "regret_3", "gain_1", "gain_3")
"""Shown in points (percent of test images)."""


@dataclasses.dataclass(frozen=True)
class Summary:
    """One score and one statistic."""

    score: str
    statistic: str
    mean: float
    """Over tasks and seeds where it is defined."""
    interval: tuple[float, float]
    """95 % bootstrap, over the levels asked for."""
    per_task: dict[str, float]
    """Averaged over seeds."""


def summarise(
    results: Results,
    scores: Scores,
    statistics: Sequence[str] = tuple(STATISTICS),
    *,
    over: Collection[str] = LEVELS,
    resample_models: Collection[str] = ("spearman",),
    repeats: int = 1000,
    seed: int = 0,
) -> tuple[Summary, ...]:
    """Every score by every statistic, and by "within" (mean Spearman inside the groups) where there are groups.

    Intervals redraw the levels in `over`, but models only for the statistics in `resample_models`: redrawn models tie
    with their own copies, which shifts regrets and trials, and it is what costs time.
    """
    check_scores(results, scores)
    unknown = [name for name in statistics if name not in STATISTICS]
    if unknown:
        raise InputError(f"Unknown statistics {', '.join(unknown)}; known are {', '.join(STATISTICS)}.")
    rows = []
    for score, values in scores.items():
        for name in statistics:
            levels = [level for level in over if level != "models" or name in resample_models]
            fast = BATCHED.get(name)
            samples = bootstrap(
                STATISTICS[name], results, values, over=levels, repeats=repeats, seed=seed, batched=fast
            )
            rows.append(_summary(score, name, results, per_task(STATISTICS[name], results, values), samples))
        if len(set(results.groups)) > 1:
            inside = _mean_over(np.stack(list(within_groups(CORRELATIONS["spearman"], results, values).values())))
            of_tasks = np.asarray([mean(column) for column in inside.T])
            rng = np.random.default_rng(seed)
            draws = of_tasks[rng.integers(0, len(of_tasks), (repeats, len(of_tasks)))]
            samples = np.asarray([mean(draw) for draw in draws])
            rows.append(_summary(score, "within", results, inside, samples))
    return tuple(rows)


def _mean_over(stack: Float[np.ndarray, "G S T"]) -> Float[np.ndarray, "S T"]:
    count = np.isfinite(stack).sum(axis=0)
    return np.where(count > 0, np.nansum(stack, axis=0) / np.maximum(count, 1), np.nan)


def _summary(score: str, name: str, results: Results, values: np.ndarray, samples: np.ndarray) -> Summary:
    by_task = {task: mean(values[:, place]) for place, task in enumerate(results.tasks)}
    return Summary(score, name, mean(values), interval(samples), by_task)


def markdown_table(rows: Sequence[Summary], statistics: Sequence[str], order_by: str = "spearman") -> list[str]:
    """One line a score, best first by `order_by` (undefined last), one column a statistic with its interval."""
    table = {(row.score, row.statistic): row for row in rows}
    names = list(dict.fromkeys(row.score for row in rows))
    sign = 1.0 if order_by.startswith(("regret", "trials")) else -1.0
    names.sort(key=lambda name: (np.isnan(table[name, order_by].mean), sign * table[name, order_by].mean))
    lines = ["| score | " + " | ".join(TITLES[name] for name in statistics) + " |"]
    lines.append("| --- |" + " ---: |" * len(statistics))
    for score in names:
        cells = [shown(table.get((score, name))) for name in statistics]
        lines.append(f"| {score} | " + " | ".join(cells) + " |")
    return lines


def shown(row: Summary | None) -> str:
    """Mean [interval]: two decimals for correlations and points, one for trials."""
    if row is None or np.isnan(row.mean):
        return "–"
    scale = 100.0 if row.statistic in POINTS else 1.0
    digits = 1 if row.statistic.startswith("trials") else 2
    low, high = (f"{scale * value:.{digits}f}" for value in row.interval)
    return f"{scale * row.mean:.{digits}f} [{low}, {high}]"


def as_dict(rows: Sequence[Summary], digits: int = 6) -> dict[str, dict[str, dict]]:
    """Score -> statistic -> mean, interval, per_task, as JSON types; an undefined number is None."""
    table: dict[str, dict[str, dict]] = {}
    for row in rows:
        entry = {"mean": row.mean, "interval": list(row.interval), "per_task": row.per_task}
        table.setdefault(row.score, {})[row.statistic] = rounded(entry, digits)
    return table


def rounded(value: Any, digits: int = 6) -> Any:
    """Floats inside lists and dictionaries, rounded; NaN and infinities become None."""
    if isinstance(value, Mapping):
        return {key: rounded(entry, digits) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(entry, digits) for entry in value]
    if isinstance(value, (float, np.floating)):
        return round(float(value), digits) if np.isfinite(value) else None
    return value
