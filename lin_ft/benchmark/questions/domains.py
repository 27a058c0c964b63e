"""Multi-domain models against single-domain ones of the same sources."""

from typing import Any

import numpy as np

from lin_ft.benchmark.evidence import Evidence
from lin_ft.benchmark.questions.answer import Answer, points, verdict
from lin_ft.benchmark.questions.gain import mean_of_models
from lin_ft.benchmark.questions.zoo import best_of_models
from lin_ft.benchmark.resampling import over_tasks


def single_against_multi_domain(evidence: Evidence) -> Answer | None:
    """Each multi-domain slice against the single-domain model of the same source, on every task and draw."""
    results, families = evidence.results, evidence.families
    sources = {m: evidence.sources.get(m, m) for m in results.models}
    single = {sources[m]: place for place, m in enumerate(results.models) if families.get(m, "single") == "single"}
    numbers: dict[str, Any] = {}
    for family in dict.fromkeys(families.get(m, "single") for m in results.models):
        pairs = [
            (place, single[sources[m]])
            for place, m in enumerate(results.models)
            if families.get(m) == family != "single" and sources[m] in single
        ]
        if pairs:
            multi, alone = (list(column) for column in zip(*pairs, strict=True))
            difference = results.accuracy[:, :, multi] - results.accuracy[:, :, alone]
            whole = np.isfinite(difference).all(axis=2)
            best = best_of_models(results.accuracy[:, :, multi]) - best_of_models(results.accuracy[:, :, alone])
            best[~whole] = np.nan
            row = {"models": len(pairs), "mean": over_tasks(mean_of_models(difference)), "best": over_tasks(best)}
            numbers[family] = row
    if not numbers:
        return None
    parts = [
        f"{family} {points(row['mean'])} points in the mean, {points(row['best'])} for the best"
        for family, row in numbers.items()
    ]
    verdicts = [f"{family} {verdict(row['mean'], 'gains', 'loses')}" for family, row in numbers.items()]
    lines = ["| family | models | points in the mean | for the best | |", "| --- | ---: | ---: | ---: | --- |"]
    lines += [
        f"| {family} | {row['models']} | {points(row['mean'])} | {points(row['best'])} | {said.removeprefix(family)} |"
        for (family, row), said in zip(numbers.items(), verdicts, strict=True)
    ]
    return Answer(
        slug="domains",
        question="Multi-domain models against single-domain ones of the same sources?",
        verdict=", ".join(verdicts),
        sentence="; ".join(parts) + ".",
        numbers=numbers,
        lines=tuple(lines),
    )
