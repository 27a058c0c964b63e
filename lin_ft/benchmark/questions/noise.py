"""How fine is the ruler: do two draws of fine-tuning agree, and which differences between scores can be seen?"""

from pathlib import Path
from typing import Any

import numpy as np

from lin_ft.benchmark.ceiling import NoiseCeiling, noise_ceiling, over_all, reachable, spearman_brown
from lin_ft.benchmark.evidence import Evidence
from lin_ft.benchmark.power import Resolution, resolution
from lin_ft.benchmark.questions.answer import Answer, with_interval
from lin_ft.benchmark.resampling import over_tasks
from lin_ft.benchmark.summary import Estimate

DRAWS = (1, 2, 4, 6, 8)
SUBSETS = 4
"""So many choices of n draws are averaged."""


def how_fine_is_the_ruler(evidence: Evidence) -> Answer | None:
    """Reliability by task and over all, the ceiling that follows, the smallest difference between two scores.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import Evidence, Judge, Results
        >>> from lin_ft.benchmark.questions import how_fine_is_the_ruler
        >>> truth = np.random.default_rng(0).uniform(0.3, 0.7, (6, 5))
        >>> results = Results(tuple("abcde"), tuple("stuvwx"), np.stack([truth, truth + 0.01]), "a")
        >>> evidence = Evidence("simulated", Judge(results, {"logme": results.accuracy}), development=("s", "t", "u"))
        >>> how_fine_is_the_ruler(evidence).verdict
        'noise decides on 0 of 6 tasks'
    """
    if evidence.n_draws < 2:
        return None
    rows = noise_ceiling(evidence.results)
    agreement = over_tasks(np.asarray([row.agreement for row in rows]))
    n = float(np.mean([row.n_draws for row in rows]))
    if np.isnan(agreement[0]):
        return None
    undecided = [row.task for row in rows if not row.rankable]
    numbers: dict[str, Any] = {"agreement": agreement, "draws": n, "undecided": undecided}
    numbers |= {"reliability": spearman_brown(agreement[0], n), "ceiling": reachable(agreement[0], n - 1)}
    sentence = (
        f"Two draws agree at Spearman {with_interval(agreement)}, so the mean of {n:.3g} has a reliability"
        f" of {numbers['reliability']:.2f}, and a perfect score would reach {numbers['ceiling']:.2f} against the mean"
        f" of the others. Noise decides on {len(undecided)} of {len(rows)} tasks"
        + (f" ({', '.join(undecided)})." if undecided else ".")
    )
    found = _resolution(evidence)
    if found is not None:
        numbers |= {"smallest difference": found.difference, "of alike scores": found.closest}
        sentence += (
            f" Of two typical scores the matrix can show a difference of {found.difference:.2f} in Spearman (80 %"
            f" power, 5 %), of the tenth of the pairs that are most alike {found.closest:.2f}; twice the tasks would"
            f" show {found.with_tasks(2 * found.n_tasks):.2f}."
        )
    own, words = _own_images(evidence)
    numbers["own draw minus another"] = own
    sentence += words
    lines, growth = by_draws(evidence, agreement[0])
    numbers["by draws"] = growth
    return Answer(
        slug="ruler",
        question="How fine is the ruler?",
        verdict=f"noise decides on {len(undecided)} of {len(rows)} tasks",
        sentence=sentence,
        numbers=numbers | {"tasks": {row.task: row.agreement for row in rows}},
        lines=(*of_tasks(rows), "", *lines),
        pictures={"ceiling": lambda path: draw(evidence, path)},
    )


def of_tasks(rows: tuple[NoiseCeiling, ...]) -> list[str]:
    """Markdown: reliability and ceilings of each task and of all."""
    lines = ["Reliability (Spearman-Brown) and ceilings: what a score that knew every model's expected accuracy would"]
    lines += ["reach against one draw, and against the mean of all draws but one. Spreads in points.", ""]
    lines += ["| task | draws | two draws agree | reliability of the mean | ceiling, one draw | ceiling, mean |"]
    lines[-1] += " spread of models | of one draw | of the mean | |"
    lines += ["| --- |" + " ---: |" * 8 + " --- |"]
    for row in rows:
        ceilings = reachable(row.agreement, 1), reachable(row.agreement, row.n_draws - 1)
        values = (row.agreement, row.reliability, *ceilings)
        numbers = " | ".join("–" if np.isnan(value) else f"{value:.2f}" for value in values)
        spreads = row.model_spread, row.draw_spread, row.draw_spread / np.sqrt(max(row.n_draws, 1))
        shown = " | ".join("–" if np.isnan(value) else f"{100 * value:.1f}" for value in spreads)
        said = "" if row.rankable else "noise decides"
        lines.append(f"| {row.task} | {row.n_draws} | {numbers} | {shown} | {said} |")
    rho, n = over_all(rows), float(np.mean([row.n_draws for row in rows]))
    numbers = f"{rho:.2f} | {spearman_brown(rho, n):.2f} | {reachable(rho, 1):.2f} | {reachable(rho, n - 1):.2f}"
    return [*lines, f"| **over all** | {n:.3g} | {numbers} | | | | |"]


def by_draws(evidence: Evidence, agreement: float) -> tuple[list[str], dict[str, Any]]:
    """What more draws bring: reliability by Spearman-Brown, and the smallest difference measured on some of them."""
    counts = sorted({n for n in (*DRAWS, evidence.n_draws) if n <= max(evidence.n_draws, *DRAWS)})
    lines = [
        f"By number of draws: reliability from the agreement of two ({agreement:.2f}), and the smallest difference"
    ]
    lines += [f"as measured with so many of the {evidence.n_draws} draws, scores against the mean of the others:", ""]
    lines += ["| draws | reliability of their mean | ceiling, mean of the others | smallest difference |"]
    lines += ["| ---: | ---: | ---: | ---: |"]
    numbers: dict[str, Any] = {}
    for n in counts:
        reliability, top = spearman_brown(agreement, n), reachable(agreement, max(n - 1, 1))
        found = [_resolution(part) for part in some(evidence, n)]
        known = [row.difference for row in found if row is not None]
        seen = float(np.mean(known)) if known else float("nan")
        numbers[str(n)] = {"reliability": reliability, "ceiling": top, "smallest difference": seen}
        shown = "–" if np.isnan(seen) else f"{seen:.2f}"
        lines.append(f"| {n} | {reliability:.2f} | {top:.2f} | {shown} |")
    return lines, numbers


def some(evidence: Evidence, n: int) -> list[Evidence]:
    """Matrices of n of the draws, at least one of them with scores; up to SUBSETS choices, the same each time."""
    if n > evidence.n_draws:
        return []
    rng = np.random.default_rng(n)
    scored, chosen = evidence.judge.draws, set()
    for _ in range(4 * SUBSETS):
        first = int(rng.choice(scored))
        rest = [draw for draw in range(evidence.n_draws) if draw != first]
        chosen.add(tuple(sorted([first, *rng.choice(rest, n - 1, replace=False).tolist()])) if n > 1 else (first,))
    return [evidence.of_draws(draws) for draws in sorted(chosen)[:SUBSETS]]


def _own_images(evidence: Evidence) -> tuple[Estimate | None, str]:
    """Does a score foretell the fine-tuning on its own images better than that on others? Mean over all scores."""
    names = [name for name in evidence.targeted if name in evidence.table("spearman")]
    if not names:
        return None, ""
    judge = evidence.judge
    values = [
        judge.of_task("spearman", name, "one draw") - judge.of_task("spearman", name, "another draw") for name in names
    ]
    estimate = over_tasks(np.asarray(values))
    words = f" A score's Spearman with the fine-tuning of its own draw is {with_interval(estimate)} above that with the"
    return estimate, f"{words} fine-tuning of another (mean of {len(names)} scores)."


def _resolution(evidence: Evidence) -> Resolution | None:
    """None where there are too few scores or tasks."""
    table = {name: values for name, values in evidence.table("spearman").items() if name in evidence.targeted}
    if len(table) < 2 or max(int(np.isfinite(values).sum()) for values in table.values()) < 3:
        return None
    return resolution(table)


def draw(evidence: Evidence, path: Path, n_scores: int = 4) -> None:
    """Ceilings by task, and what the best scores reach."""
    from lin_ft.report.ceiling_plot import plot_ceilings

    table = evidence.table("spearman")
    table = {name: values for name, values in table.items() if name in evidence.targeted and np.isfinite(values).all()}
    best = sorted(table, key=lambda name: -table[name].mean())[:n_scores]
    rows = noise_ceiling(evidence.results)
    n_others = evidence.judge.n_others
    label = f"Spearman with the mean of the {n_others} other draws" if n_others > 1 else "Spearman with the other draw"
    plot_ceilings(
        {
            row.task + ("" if row.rankable else " (noise decides)"): reachable(row.agreement, row.n_draws - 1)
            for row in rows
        },
        {name: table[name] for name in best},
        path,
        one_draw=[reachable(row.agreement, 1) for row in rows],
        label=label,
        title=evidence.title,
    )
