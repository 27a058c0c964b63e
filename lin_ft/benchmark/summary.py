"""All statistics of all scores on one matrix, as plain numbers and as Markdown."""

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from lin_ft.benchmark.judge import Judge
from lin_ft.benchmark.resampling import INTERVAL, over_tasks
from lin_ft.benchmark.score_names import columns_of
from lin_ft.benchmark.statistics import LESS_IS_BETTER, POINTS, STATISTICS, TITLES

Estimate = tuple[float, float, float]
"""(mean over tasks, low, high)"""


@dataclasses.dataclass(frozen=True)
class Summary:
    """One score and one statistic."""

    score: str
    statistic: str
    mean: float
    """Over tasks where it is defined, against the mean of the other draws (with one draw: against that draw)."""
    interval: tuple[float, float]
    """95 %, over tasks: see `over_tasks`."""
    per_task: dict[str, float]
    """Averaged over the draws on which the score was computed."""
    one_draw: Estimate | None
    """The same against the score's own draw; None where there is but one draw."""


def summarise(
    judge: Judge, statistics: Sequence[str] = tuple(STATISTICS), *, repeats: int = 5000, seed: int = 0
) -> tuple[Summary, ...]:
    """Every score by every statistic. Raises InputError for an unknown one.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import Judge, Results, summarise
        >>> truth = np.random.default_rng(0).uniform(0.3, 0.7, (6, 5))
        >>> results = Results(tuple("abcde"), tuple("stuvwx"), np.stack([truth, truth]), "a")  # two draws of six tasks
        >>> noise = np.random.default_rng(1).normal(size=results.accuracy.shape)
        >>> rows = summarise(Judge(results, {"oracle": results.accuracy, "noise": noise}), ["spearman"])
        >>> [(row.score, row.mean > 0.9) for row in rows]
        [('oracle', True), ('noise', False)]
    """
    rows = []
    for score in judge.scores:
        for name in statistics:
            values = judge.of_task(name, score)
            middle, *interval = over_tasks(values, repeats=repeats, seed=seed)
            own = over_tasks(judge.of_task(name, score, "one draw"), repeats=repeats, seed=seed)
            by_task = dict(zip(judge.results.tasks, values.tolist(), strict=True))
            low, high = interval
            rows.append(Summary(score, name, middle, (low, high), by_task, own if judge.n_others else None))
    return tuple(rows)


def caption(judge: Judge) -> str:
    """What the numbers of a table are: truth, draws, interval.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import Judge, Results, caption
        >>> truth = np.random.default_rng(0).uniform(0.3, 0.7, (6, 5))
        >>> results = Results(tuple("abcde"), tuple("stuvwx"), np.stack([truth, truth]), "a")  # two draws of six tasks
        >>> caption(Judge(results, {"oracle": results.accuracy})).split(".")[0]
        '5 models, 6 tasks, 2 draws of the sample'
    """
    n, others = len(judge.draws), judge.n_others
    size = f"{len(judge.results.models)} models, {len(judge.results.tasks)} tasks"
    there = np.isfinite(judge.results.accuracy)
    gaps = "" if there.all() else f" ({there.sum()} of {there.size} fine-tunings are there)"
    if not others:
        return f"{size}. One draw of the sample: scores are held against that draw. {INTERVAL}."
    held = f"held against the mean of the {others} other draws" if others > 1 else "held against the other draw"
    scored = "every draw" if n > others else f"{n} of them"
    return (
        f"{size}, {others + 1} draws of the sample{gaps}. Each score of {scored} is {held}; beside it, without"
        f" interval, against the one fine-tuning of its own draw. {INTERVAL}."
    )


def markdown_table(
    rows: Sequence[Summary],
    statistics: Sequence[str],
    order_by: str = "spearman",
    *,
    bold: Collection[str] = (),
    columns: Callable[[str], tuple[str, str, str]] = columns_of,
    titles: Mapping[str, str] = TITLES,
) -> list[str]:
    """One line a score, best first by `order_by` (undefined last); each statistic with its interval, then of one draw.

    Scores in `bold` are set so. `columns` splits a label into score, head and what was left out; a column that no
    score needs is left out, and so is "one draw" where there is but one.

    Args:
        rows: from `summarise`.
        statistics: columns, in their order.
        order_by: the statistic that orders the rows.
        bold: names of scores that are set bold.
        columns: label -> (score, head, what was left out).
        titles: statistic -> head of its column.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import Judge, Results, markdown_table, summarise
        >>> truth = np.random.default_rng(0).uniform(0.3, 0.7, (6, 5))
        >>> results = Results(tuple("abcde"), tuple("stuvwx"), np.stack([truth, truth]), "a")  # two draws of six tasks
        >>> rows = summarise(Judge(results, {"oracle": results.accuracy}), ["spearman"])
        >>> for line in markdown_table(rows, ["spearman"]):
        ...     print(line)
        | score | Spearman | one draw |
        | --- | ---: | ---: |
        | oracle | 1.00 [1.00, 1.00] | 1.00 |
    """
    table = {(row.score, row.statistic): row for row in rows}
    names = list(dict.fromkeys(row.score for row in rows))
    sign = 1.0 if order_by in LESS_IS_BETTER else -1.0
    names.sort(key=lambda name: (np.isnan(table[name, order_by].mean), sign * table[name, order_by].mean))
    parts = {name: columns(name) for name in names}
    kept = [i for i in (1, 2) if any(part[i] for part in parts.values())]
    heads = ["score", *(("", "head", "left out")[i] for i in kept)]
    numbers: list[str] = []
    for name in statistics:
        alone = all(table[score, name].one_draw is None for score in names if (score, name) in table)
        numbers += [titles.get(name, name), *([] if alone else ["one draw"])]
    lines = ["| " + " | ".join([*heads, *numbers]) + " |", "|" + " --- |" * len(heads) + " ---: |" * len(numbers)]
    for score in names:
        label = parts[score][0]
        cells = [f"**{label}**" if score in bold else label, *(parts[score][i] for i in kept)]
        for name, following in zip(statistics, _pairs(numbers), strict=True):
            row = table.get((score, name))
            cells.append("–" if row is None else shown((row.mean, *row.interval), name))
            if following:
                cells.append("–" if row is None or row.one_draw is None else number(row.one_draw[0], name))
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _pairs(numbers: Sequence[str]) -> list[bool]:
    """Of each statistic's column: does a column "one draw" follow?"""
    following = [*numbers[1:], ""]
    return [after == "one draw" for name, after in zip(numbers, following, strict=True) if name != "one draw"]


def shown(value: Estimate, statistic: str = "spearman") -> str:
    """Mean [interval] in the statistic's unit: two decimals for correlations, one for points and trials."""
    if np.isnan(value[0]):
        return "–"
    middle, low, high = (number(part, statistic) for part in value)
    return middle if np.isnan(value[1]) else f"{middle} [{low}, {high}]"


def number(value: float, statistic: str = "spearman") -> str:
    """A value as tables show it; a dash where none is known.

    Shares in points with one decimal, correlations with two.
    """
    if np.isnan(value):
        return "–"
    text = f"{100 * value:.1f}" if statistic in POINTS else f"{value:.{1 if statistic in LESS_IS_BETTER else 2}f}"
    return text.lstrip("-") if float(text) == 0 else text


def as_dict(rows: Sequence[Summary], digits: int = 6) -> dict[str, dict[str, dict]]:
    """Score -> statistic -> mean, interval, one_draw, per_task, as JSON types; an undefined number is None."""
    table: dict[str, dict[str, dict]] = {}
    for row in rows:
        entry: dict[str, Any] = {"mean": row.mean, "interval": list(row.interval), "per_task": row.per_task}
        if row.one_draw is not None:
            entry["one_draw"] = list(row.one_draw)
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
