"""Does the order of the scores on one matrix hold on another: other shots, another zoo, the other half of the tasks?"""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from lin_ft.benchmark.correlation import spearman
from lin_ft.benchmark.evidence import Evidence
from lin_ft.benchmark.judge import Judge
from lin_ft.benchmark.questions.answer import Answer, with_interval
from lin_ft.benchmark.questions.names import DEFAULT
from lin_ft.benchmark.resampling import INTERVAL, interval_of, redrawn
from lin_ft.benchmark.static import BASELINES
from lin_ft.benchmark.summary import Estimate

BEST = 10


def does_the_order_hold(first: Evidence, second: Evidence, *, slug: str, question: str) -> Answer | None:
    """Spearman, over the scores that both have, of their mean Spearman here and there.

    Interval: tasks redrawn in both, the same ones where both have the same tasks.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import Evidence, Judge, Results
        >>> from lin_ft.benchmark.questions import does_the_order_hold, of_halves
        >>> truth = np.random.default_rng(0).uniform(0.3, 0.7, (6, 5))
        >>> results = Results(tuple("abcde"), tuple("stuvwx"), np.stack([truth, truth + 0.01]), "a")
        >>> scores = {f"score {k}": truth + np.random.default_rng(k).normal(0, 0.1 * k, (2, 6, 5)) for k in range(5)}
        >>> evidence = Evidence("simulated", Judge(results, scores), development=("s", "t", "u"))
        >>> first, second = of_halves(evidence)
        >>> does_the_order_hold(first, second, slug="halves", question="Does the order hold?").verdict
        'holds in part'
    """
    here, there = ({k: v for k, v in row.table("spearman").items() if k in row.targeted} for row in (first, second))
    names = [name for name in here if name in there]
    if len(names) < 3:
        return None
    tables = [np.asarray([table[name] for name in names]) for table in (here, there)]
    paired = first.results.tasks == second.results.tasks
    means = [_means(table) for table in tables]
    draws = [redrawn(tables[0].shape[1], 2000, 0), redrawn(tables[1].shape[1], 2000, 0 if paired else 1)]
    samples = [_means(table[:, draw]) for table, draw in zip(tables, draws, strict=True)]
    values = np.asarray([spearman(a, b) for a, b in zip(*(sample.T for sample in samples), strict=True)])
    estimate: Estimate = (spearman(*means), *interval_of(values, min(table.shape[1] for table in tables)))
    orders = [[names[i] for i in np.argsort(-values, kind="stable")] for values in means]
    top = min(BEST, len(names))
    kept = len(set(orders[0][:top]) & set(orders[1][:top]))
    numbers: dict[str, Any] = {"spearman": estimate, "scores": len(names), "kept": kept, "best": [o[0] for o in orders]}
    sentence = (
        f"From {first.title} to {second.title} the order of {len(names)} scores agrees at Spearman"
        f" {with_interval(estimate)}; {kept} of the best {top} stay among the best {top} (by chance"
        f" {top * top / len(names):.1f}). First is {orders[0][0]} here, {orders[1][0]} there"
    )
    if DEFAULT in names:
        places = [order.index(DEFAULT) + 1 for order in orders]
        numbers["places of the default"] = places
        sentence += f"; {DEFAULT} is number {places[0]} and {places[1]}"
    strong = "holds" if estimate[1] > 0.5 else "holds in part" if estimate[1] > 0 else "not shown to hold"
    return Answer(
        slug=slug,
        question=question,
        verdict=strong,
        sentence=sentence + ".",
        numbers=numbers,
        lines=tuple(_table(first, second, orders, dict(zip(names, zip(*means, strict=True), strict=True)))),
        pictures={"order": lambda path: _draw(first, second, names, means, path)},
    )


def _means(values: Float[np.ndarray, "*shape T"]) -> Float[np.ndarray, "*shape"]:
    """Over the last axis, of what is defined; NaN where nothing is."""
    known = np.isfinite(values)
    return np.where(known, values, 0.0).sum(axis=-1) / np.where(known.any(axis=-1), known.sum(axis=-1), np.nan)


def of_halves(evidence: Evidence) -> tuple[Evidence, Evidence] | None:
    """The development tasks and the others as two matrices: how far the order of scores holds without any change.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import Evidence, Judge, Results
        >>> from lin_ft.benchmark.questions import of_halves
        >>> truth = np.random.default_rng(0).uniform(0.3, 0.7, (6, 5))
        >>> results = Results(tuple("abcde"), tuple("stuvwx"), np.stack([truth, truth + 0.01]), "a")
        >>> evidence = Evidence("simulated", Judge(results, {"logme": results.accuracy}), development=("s", "t", "u"))
        >>> [half.results.tasks for half in of_halves(evidence)]
        [('s', 't', 'u'), ('v', 'w', 'x')]
    """
    rest = [task for task in evidence.results.tasks if task not in evidence.development]
    if len(evidence.development) < 3 or len(rest) < 3:
        return None
    halves = [(evidence.development, "development tasks"), (rest, "other tasks")]
    first, second = (_of_tasks(evidence, list(tasks), title) for tasks, title in halves)
    return first, second


def _of_tasks(evidence: Evidence, tasks: list[str], title: str) -> Evidence:
    index = [evidence.results.tasks.index(task) for task in tasks]
    scores = {name: values[:, index] for name, values in evidence.scores.items()}
    judge = Judge(evidence.results.take(tasks), scores)
    return dataclasses.replace(evidence, judge=judge, title=f"{evidence.title}, {title}", rates={})


def _table(
    first: Evidence, second: Evidence, orders: list[list[str]], means: dict[str, tuple[float, float]]
) -> list[str]:
    shown = dict.fromkeys([*orders[0][:BEST], *orders[1][:3], *(n for n in (DEFAULT, *BASELINES) if n in means)])
    lines = [f"Mean Spearman and place among {len(orders[0])} scores ({INTERVAL} for the agreement of the two orders):"]
    lines += ["", f"| score | {first.title} | place | {second.title} | place |", "| --- |" + " ---: |" * 4]
    for name in sorted(shown, key=lambda name: orders[0].index(name)):
        cells = [f"{mean:.2f} | {order.index(name) + 1}" for mean, order in zip(means[name], orders, strict=True)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def _draw(first: Evidence, second: Evidence, names: list[str], means: list[np.ndarray], path: Path) -> None:
    from lin_ft.report.order_plot import plot_two_orders

    marked = [name for name in (DEFAULT, *BASELINES) if name in names]
    points = {name: (float(a), float(b)) for name, a, b in zip(names, *means, strict=True)}
    label = "mean Spearman, {}".format
    plot_two_orders(points, path, labels=(label(first.title), label(second.title)), marked=marked)
