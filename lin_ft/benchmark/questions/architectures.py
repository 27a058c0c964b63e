"""Same architecture and across architectures: does a score rank either?"""

from typing import Any

import numpy as np

from lin_ft.benchmark.architectures import ACROSS, SAME, count_pairs
from lin_ft.benchmark.evidence import Evidence
from lin_ft.benchmark.questions.answer import Answer, verdict, with_interval
from lin_ft.benchmark.questions.names import DEFAULT
from lin_ft.benchmark.resampling import INTERVAL, mean, over_tasks
from lin_ft.benchmark.static import BASELINES
from lin_ft.benchmark.statistics import TITLES

BEST = 8
"""Scores of each question in its table, beside the default and the baselines."""
KINDS = {SAME: "models of one architecture", ACROSS: "models of different architectures"}
WORDS = {SAME: "within an architecture", ACROSS: "across architectures"}


def do_scores_rank_architectures(evidence: Evidence) -> Answer | None:
    """Kendall's tau over the pairs of models of one architecture, and over the others, apart.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import Evidence, Judge, Results
        >>> from lin_ft.benchmark.questions import do_scores_rank_architectures
        >>> truth = np.random.default_rng(0).uniform(0.3, 0.7, (6, 5))
        >>> results = Results(tuple("abcde"), tuple("stuvwx"), np.stack([truth, truth + 0.01]), "a")
        >>> evidence = Evidence("simulated", Judge(results, {"logme": results.accuracy}), development=("s", "t", "u"))
        >>> do_scores_rank_architectures(evidence).verdict
        'within an architecture: ranks'
    """
    counts = count_pairs(evidence.results)
    kinds = [kind for kind in (SAME, ACROSS) if counts[kind]]
    tables = {kind: evidence.table(kind) for kind in kinds}
    tables = {kind: table for kind, table in tables.items() if any(name in table for name in evidence.targeted)}
    if not tables:
        return None
    numbers: dict[str, Any] = {"pairs": counts}
    groups = evidence.results.groups or ("one",) * len(evidence.results.models)
    named = ", ".join(f"{name} ({groups.count(name)})" for name in sorted(set(groups)))
    parts, verdicts = [], []
    lines = [f"Models by architecture: {named}. Kendall's tau over those pairs of models. {INTERVAL}.", ""]
    for kind, table in tables.items():
        scores = [name for name in table if name in evidence.targeted]
        best = max(scores, key=lambda name: mean(table[name]))
        name = DEFAULT if DEFAULT in scores else best
        shown = over_tasks(table[name])
        numbers[kind] = {"default": name, "tau": shown, "best": best, "of the best": over_tasks(table[best])}
        parts.append(
            f"{WORDS[kind].capitalize()} ({counts[kind]} pairs of models) {name} has tau {with_interval(shown)}, and"
            f" the best of {len(scores)} scores, {best}, {with_interval(over_tasks(table[best]))}"
        )
        verdicts.append(f"{WORDS[kind]}: {verdict(shown, 'ranks', 'ranks the wrong way round')}")
        lines += _table(evidence, kind, table, counts[kind])
    return Answer(
        slug="architectures",
        question="Same architecture and across architectures: do scores rank either?",
        verdict="; ".join(verdicts),
        sentence=". ".join(parts) + ".",
        numbers=numbers,
        lines=tuple(lines),
    )


def _table(evidence: Evidence, kind: str, table: dict[str, np.ndarray], n_pairs: int) -> list[str]:
    scores = sorted((name for name in table if name in evidence.targeted), key=lambda name: -mean(table[name]))
    rows = dict.fromkeys([*scores[:BEST], *(name for name in (DEFAULT, *BASELINES) if name in table)])
    lines = [f"| {n_pairs} pairs of {KINDS[kind]} | {TITLES[kind]} |", "| --- | ---: |"]
    ordered = sorted(rows, key=lambda name: -mean(table[name]))
    return [*lines, *[f"| {name} | {with_interval(over_tasks(table[name]))} |" for name in ordered], ""]
