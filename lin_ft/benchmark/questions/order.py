"""Which score orders the models as fine-tuning does? All scores by all statistics, one group at the top."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lin_ft.benchmark.comparison import CriticalDifference, critical_difference, paired_tests
from lin_ft.benchmark.evidence import Evidence
from lin_ft.benchmark.questions.answer import Answer, verdict, with_interval
from lin_ft.benchmark.questions.names import DEFAULT, is_label_gradient
from lin_ft.benchmark.resampling import INTERVAL, mean, over_tasks
from lin_ft.benchmark.score_names import repetitions
from lin_ft.benchmark.statistics import SHOWN, TITLES
from lin_ft.benchmark.summary import Summary, as_dict, caption, markdown_table, summarise


def which_score_is_best(evidence: Evidence) -> Answer | None:
    """The best score, those not to be told from it, and the best form of Label-Gradient beside the best other score.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import Evidence, Judge, Results
        >>> from lin_ft.benchmark.questions import which_score_is_best
        >>> from lin_ft.benchmark.static import fine_tuned
        >>> truth = np.random.default_rng(0).uniform(0.3, 0.7, (6, 5))
        >>> results = Results(tuple("abcde"), tuple("stuvwx"), np.stack([truth, truth + 0.01]), "a")
        >>> scores = {"label_gradient_cka": results.accuracy, "logme": -results.accuracy, **fine_tuned(results)}
        >>> evidence = Evidence("simulated", Judge(results, scores), development=("s", "t", "u"))
        >>> which_score_is_best(evidence).verdict
        'label_gradient_cka is first; Label-Gradient is first'
    """
    table = evidence.table("spearman")
    scores = {name: values for name, values in table.items() if name in evidence.targeted}
    if len(scores) < 2 or max(np.isfinite(values).sum() for values in scores.values()) < 3:
        return None
    places = sorted(scores, key=lambda name: -mean(scores[name]))
    best, group = places[0], told_apart(evidence)
    level = [name for name in group.group if name in scores]
    sentence = (
        f"{best} has the highest mean Spearman of {len(scores)} scores, {with_interval(over_tasks(scores[best]))}; of"
        f" two typical scores these {group.n_tasks} tasks can show a difference of {group.difference:.2f}, and"
        f" {len(level)} scores are within it."
    )
    numbers: dict[str, Any] = {"best": best, "spearman": over_tasks(scores[best]), "scores": len(scores)}
    numbers |= {"smallest difference": group.difference, "group": list(group.group), "friedman p": group.friedman_p}
    if DEFAULT in scores:
        numbers["place of the default"] = places.index(DEFAULT) + 1
        sentence += f" {DEFAULT} is number {numbers['place of the default']},"
        sentence += f" {with_interval(over_tasks(scores[DEFAULT]))}."
    short, words, of_gradient = label_gradient(scores)
    return Answer(
        slug="scores",
        question="Which score orders the models as fine-tuning does?",
        verdict="; ".join(part for part in (f"{best} is first", short) if part),
        sentence=f"{sentence} {words}".strip(),
        numbers=numbers | of_gradient,
        lines=tuple(tables(evidence, group, best)),
        pictures={
            "critical_difference": lambda path: _draw(evidence, group, path),
            "intervals": lambda path: _draw_intervals(evidence, path),
        },
    )


def told_apart(evidence: Evidence) -> CriticalDifference:
    """All rows by their mean Spearman, and the group that is not told from the best score."""
    table = evidence.table("spearman")
    return critical_difference(table, compared=[name for name in table if name in evidence.targeted])


def label_gradient(scores: dict[str, np.ndarray]) -> tuple[str, str, dict[str, Any]]:
    """(verdict, sentence, numbers) of its best form against the best other score, paired by task."""
    ours = [name for name in scores if is_label_gradient(name)]
    others = [name for name in scores if not is_label_gradient(name)]
    if not ours or not others:
        return "", "", {}
    first, second = (max(names, key=lambda name: mean(scores[name])) for names in (ours, others))
    difference = over_tasks(scores[first] - scores[second])
    place = 1 + sum(mean(scores[name]) > mean(scores[first]) for name in others)
    short = verdict(difference, "Label-Gradient is first", "another score is above Label-Gradient")
    short = "Label-Gradient or another: undecided" if short == "undecided" else short
    sentence = (
        f"Label-Gradient's best form, {first}, has {with_interval(over_tasks(scores[first]))}, place {place} of"
        f" {len(others) + 1} with its other forms left out; minus the best other, {second}, {with_interval(difference)}"
        f" ({short})."
    )
    numbers = {"form of label-gradient": first, "other": second, "difference": difference, "place": place}
    return short, sentence, numbers


def tables(evidence: Evidence, group: CriticalDifference, best: str) -> list[str]:
    """Every row against the mean of draws, the same against one draw, and the best against each other score."""
    rows = summarise(evidence.judge, SHOWN)
    lines = [
        f"{caption(evidence.judge)} Bold: within {group.difference:.2f} of the best score in Spearman, the smallest"
        f" difference that the matrix can show (80 % power, paired test at 5 %, the median pair of scores).",
        "",
    ]
    lines += [*markdown_table(rows, SHOWN, bold=group.group, columns=evidence.columns), ""]
    if evidence.judge.n_others:
        lines += ["Each score against the one fine-tuning of its own draw, with intervals of the same kind:", ""]
        lines += [*markdown_table(of_one_draw(rows), SHOWN, columns=evidence.columns), ""]
    scores = {name: row for name, row in evidence.table("spearman").items() if name in evidence.targeted}
    tests = paired_tests(scores, against=best)
    lines += [f"{TITLES['spearman']} of {best}, the best here and so flattered, minus that of each other score"]
    lines[-1] += f" (sign-flip test over tasks; Holm over {len(tests)} comparisons):"
    lines += ["", "| score | difference | p | p (Holm) |", "| --- | ---: | ---: | ---: |"]
    lines += [f"| {row.second} | {row.difference:+.2f} | {row.p:.3f} | {row.p_holm:.3f} |" for row in tests]
    if evidence.dropped:
        lines += ["", repetitions(evidence.dropped)]
    return lines


def of_one_draw(rows: Sequence[Summary]) -> list[Summary]:
    """The single-draw figures in the place of those of the mean."""
    kept = [row for row in rows if row.one_draw is not None]
    return [
        dataclasses.replace(row, mean=row.one_draw[0], interval=row.one_draw[1:], one_draw=None)
        for row in kept
        if row.one_draw is not None
    ]


def full_numbers(evidence: Evidence) -> dict[str, Any]:
    """Every score, statistic and task, for the report's JSON file."""
    return as_dict(summarise(evidence.judge))


def _draw(evidence: Evidence, group: CriticalDifference, path: Path) -> None:
    from lin_ft.report.critical_difference_plot import plot_critical_difference

    plot_critical_difference(group, path, label="Spearman, mean over tasks", title=evidence.title)


def _draw_intervals(evidence: Evidence, path: Path) -> None:
    from lin_ft.report.interval_plot import plot_intervals

    dots = {name: over_tasks(values) for name, values in evidence.table("spearman").items()}
    plot_intervals(dots, path, label=f"Spearman, mean over tasks\n{INTERVAL}", title=evidence.title)
