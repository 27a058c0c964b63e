"""The scores of one model on one draw of a task.

Which records a configuration asks for, and their values, from one view of the model on the task.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lin_ft.benchmark.config import BenchConfig, Wanted, as_settings, digest
from lin_ft.errors import InputError
from lin_ft.ranking import RankConfig, View, score_inputs
from lin_ft.scores import SCORES, chosen, evaluate
from lin_ft.scores.score import Scored, parameters_of

TRIVIAL = ("random", "largest_model", "source_accuracy", "best_on_average", "reference_always")
"""Rows that the report works out from the matrix itself; see lin_ft.benchmark.static."""
PREDICTIONS = ("predicted_accuracy", "predicted_loss")
"""Always computed: one record for each head and each way of leaving out."""
KERNEL_HEAD = "random"
"""The head whose kernel all other scores of the kernel get."""
OF_KERNEL = frozenset({"kernel", "spectrum"})
DERIVED = {"svd": "features", "fitted": "features", "apply": "network", "params": "network"}
"""Inputs of scores that are made of a part of the view under another name."""
OF_SOURCE = frozenset({"source_features", "source_labels"})
DEFAULTS: Mapping[str, Any] = {
    "revision": 1,
    "probes": 2,
    "trainable": "all",
    "statistics": "source",
    "matchings": 1,
    "times": [1.0, 10.0, 100.0, 1000.0, "inf"],
    "ridges": [10.0**power for power in range(-4, 2)],
    "source_shots": 0,
    "kernel": "exact",
    "dimension": 2048,
}
"""What a score was made by where its record does not say. A setting that comes later has here what it was all along;
these never change."""


def known_scores() -> tuple[str, ...]:
    """Names of `lin_ft.scores.SCORES` but the trivial ones."""
    return tuple(name for name in SCORES if name not in TRIVIAL)


def wanted_scores(config: BenchConfig, names: Sequence[str]) -> tuple[Wanted, ...]:
    """The records that a configuration asks of every model and draw: predictions, then the scores named.

    Each has as settings what it depends on and no more, beside DEFAULTS: a score without kernel does not ask for the
    probes, one that sees no source images not for their number. A function of the user's own has its file's digest.
    """
    ranking = _ranking(config)
    rows = []
    for head in config.heads:
        for way in config.left_out:
            settings = _settings(ranking, ("prediction",), head, way)
            for name in PREDICTIONS:
                rows.append(Wanted(name, head, way, _stored(settings | {"revision": SCORES[name].revision})))
    for name, score in chosen(name for name in names if name not in PREDICTIONS).items():
        takes = {parameter for parameter, _ in parameters_of(score.function)}
        head = KERNEL_HEAD if takes & OF_KERNEL else None
        settings = _settings(ranking, takes, head) | {"revision": score.revision}
        settings |= {"source_shots": config.source_shots} if takes & OF_SOURCE else {}
        settings |= {"code": digest(Path(name.rpartition(":")[0]).read_text(encoding="utf-8"))} if ":" in name else {}
        rows.append(Wanted(name, head, None, _stored(settings)))
    return tuple(rows)


def _ranking(config: BenchConfig, seed: int = 0) -> RankConfig:
    """No reference: whether a model is the reference is worked out from the whole matrix."""
    return RankConfig(
        probes=config.probes, statistics=config.statistics, seed=seed, reference="", source_shots=config.source_shots,
        kernel="exact",
    )  # fmt: skip


def _settings(ranking: RankConfig, parts: Iterable[str], head: str | None, left_out: str = "") -> dict[str, Any]:
    """The fields of RankConfig that these parts of a View depend on; the cell and the record name the rest."""
    told = {"head", "left_out", "seed"} | ({"probes", "trainable"} if head == "zero" else set())
    told |= {"matchings"} if left_out == "image" else set()
    of_parts = (getattr(View.__dict__.get(DERIVED.get(part, part)), "settings", ()) for part in parts)
    names = {name for settings in of_parts for name in settings} - told
    return {name: _plain(getattr(ranking, name)) for name in names}


def _plain(value: Any) -> Any:
    """As JSON has it, which knows no infinity."""
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return "inf" if isinstance(value, float) and math.isinf(value) else value


def _stored(settings: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return as_settings({name: value for name, value in settings.items() if value != DEFAULTS.get(name)})


def sees_source(wanted: Wanted) -> bool:
    """Whether the record was made of the model's source images as well."""
    return "source_shots" in dict(wanted.settings)


def score_rows(
    model: Any, task: Any, wanted: Sequence[Wanted], config: BenchConfig, seed: int
) -> dict[Wanted, dict[str, Any]]:
    """Each record's value, larger is better, and the seconds that it took alone.

    A score of the whole zoo has "parts" instead, to be combined over the models when records are collected
    (`combine_parts`); one that cannot be had here (it needs source images, say) has the "reason". What was assumed or
    left out for the value is the "note".
    """
    view = View(model, task, _ranking(config, seed))
    found = {each: _predicted(view, each) for each in wanted if each.score in PREDICTIONS}
    others = {each.score: each for each in wanted if each.score not in PREDICTIONS}
    if others:
        values = evaluate(chosen(others), score_inputs(view.under(head=KERNEL_HEAD)))
        found |= {others[name]: scored for name, scored in values.items()}
    return {each: _row(scored) for each, scored in found.items()}


def _predicted(view: View, wanted: Wanted) -> Scored:
    """With the seconds of everything it takes: features, kernel, spectrum and the choice of time and ridge."""
    view = view.under(head=wanted.head, left_out=wanted.left_out)
    try:
        prediction = view.prediction
    except InputError as error:
        return Scored(None, reason=str(error))
    value = prediction.accuracy if wanted.score == "predicted_accuracy" else -prediction.loss
    return Scored(value, sum(view.spent.values()))


def _row(scored: Scored) -> dict[str, Any]:
    value = float("nan") if scored.value is None else float(scored.value)
    row: dict[str, Any] = {"value": value if math.isfinite(value) else None, "seconds": round(scored.seconds, 4)}
    if scored.parts:
        row["parts"] = list(scored.parts)
    elif not math.isfinite(value):
        row["reason"] = scored.reason or f"the value is {scored.value}"
    return row | ({"note": scored.note} if scored.note else {})


def combine_parts(name: str, parts: Sequence[Sequence[float]]) -> list[float]:
    """Values of all models of one task from their parts, for a score that looks at the whole zoo."""
    score = SCORES[name]
    assert score.combine is not None
    return [float(value) for value in score.combine(np.asarray(parts, np.float64))]
