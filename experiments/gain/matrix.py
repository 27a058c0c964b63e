"""A matrix of real fine-tuning beside the terms of its models: what gains are fitted on and judged by."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.gain.terms import stored_terms
from lin_ft.benchmark.collect import finetuned, matrix, of_models, read_parquet
from lin_ft.benchmark.config import load_config
from lin_ft.errors import InputError
from lin_ft.gain import ACROSS_TERMS, TERMS, standardised

OF_TABLE = {
    "decrease/source": "predicted_decrease",
    "label_gradient_cka/source": "label_gradient_cka",
    "label_feature_cka/source": "label_feature_cka",
}
"""Terms that the benchmark has as scores: taken from its table where they were not computed."""


@dataclasses.dataclass(frozen=True, eq=False)
class GainMatrix:
    """Accuracies in points, scores and terms of S draws, T tasks and M models; NaN where something is not there yet."""

    name: str
    zoo: str
    models: tuple[str, ...]
    tasks: tuple[str, ...]
    seeds: tuple[int, ...]
    accuracy: np.ndarray
    """(S, T, M); of a task and draw that lacks models, NaN throughout."""
    terms: dict[str, np.ndarray]
    """Name -> (S, T, M)."""
    scores: dict[str, np.ndarray]
    """Of the benchmark, likewise."""
    reference: int
    groups: list[str]
    """Architecture of each model."""
    families: list[str]
    n_classes: list[int]

    @property
    def across(self) -> bool:
        """Whether architectures differ."""
        return len(set(self.groups)) > 1

    @property
    def chosen(self) -> tuple[str, ...]:
        """The terms that its evidence is the mean of."""
        return _chosen(self.groups)

    @property
    def level_term(self) -> str:
        return f"shots_accuracy/{'source' if self.across else 'target'}"

    def evidence(self, names: tuple[str, ...] = ()) -> np.ndarray:
        """(S, T, M) of these terms (default: of those chosen); NaN where a draw has none."""
        stacked = np.stack([self.terms[name] for name in names or self.chosen], -1)
        there = np.asarray(np.isfinite(stacked).any((2, 3)))
        return np.where(there[..., None], [[standardised(task) for task in draw] for draw in stacked], np.nan)

    def without(self, tasks: Sequence[str]) -> "GainMatrix":
        """The other tasks."""
        kept = [place for place, task in enumerate(self.tasks) if task not in tasks]
        return dataclasses.replace(
            self, tasks=tuple(self.tasks[place] for place in kept), accuracy=self.accuracy[:, kept],
            terms={name: values[:, kept] for name, values in self.terms.items()},
            scores={name: values[:, kept] for name, values in self.scores.items()},
            n_classes=[self.n_classes[place] for place in kept],
        )  # fmt: skip

    @property
    def complete(self) -> tuple[int, ...]:
        """Places of the draws that are fine-tuned and have terms on every task: those that can be fitted on."""
        whole = np.isfinite(self.accuracy).all((1, 2)) & np.isfinite(self.evidence()).all((1, 2))
        return tuple(int(place) for place in np.flatnonzero(whole))


def read(config_path: Path, table_path: Path, terms_path: Path, *, tasks: Sequence[str] = ()) -> GainMatrix:
    """All of it. Tasks without terms of any draw are left out."""
    config, table, stored = load_config(config_path), read_parquet(table_path), stored_terms(terms_path)["terms"]
    results, scores, _ = matrix(table, config.shots[0], config.reference)
    seeds = sorted({row["seed"] for row in _tuned(table, config.shots[0])})
    told = {key.rpartition("|")[0] for key in stored}
    if all(name in OF_TABLE for name in _chosen(_groups(table, results.models))):
        told |= set(results.tasks)
    kept = [task for task in results.tasks if task in told and (not tasks or task in tasks)]
    if len(kept) < 3:
        raise InputError(
            f"gain: {terms_path} has terms of {len(kept)} tasks and three are needed; first `python -m experiments.gain"
            f" --matrix {config.name} --compute 0`."
        )
    index = [results.tasks.index(task) for task in kept]
    names = sorted({name for of_task in stored.values() for each in of_task.values() for name in each})
    found = {
        name: np.array(
            [
                [[stored.get(f"{t}|{seed}", {}).get(m, {}).get(name, np.nan) for m in results.models] for t in kept]
                for seed in seeds
            ],
            np.float64,
        )
        for name in names
    }
    for name, score in OF_TABLE.items():
        values = found.get(name, np.full((len(seeds), len(kept), len(results.models)), np.nan))
        if score in scores:
            found[name] = np.where(np.isfinite(values), values, scores[score][:, index])
    accuracy = 100 * results.accuracy[:, index]
    accuracy[~np.isfinite(accuracy).all(-1)] = np.nan
    rows = {row["model"]: row for row in table.iter_rows(named=True)}
    classes = {row["task"]: row["n_classes"] for row in table.iter_rows(named=True)}
    return GainMatrix(
        name=config.name, zoo=config.zoo, models=results.models, tasks=tuple(kept), seeds=tuple(seeds),
        accuracy=accuracy, terms=found, scores={name: values[:, index] for name, values in scores.items()},
        reference=results.models.index(config.reference), groups=_groups(table, results.models),
        families=[rows[m].get("family") or "single" for m in results.models], n_classes=[classes[t] for t in kept],
    )  # fmt: skip


def _tuned(table: Any, shots: int) -> list[dict[str, Any]]:
    rows = finetuned(table, shots)
    return rows.filter(rows["test_accuracy"].is_not_null()).to_dicts()


def _groups(table: Any, models: Sequence[str]) -> list[str]:
    """Two architectures, one with adapters, are told apart by too little to weigh evidence between them."""
    architectures = of_models(table, "architecture")
    groups = [architectures[model] for model in models]
    return groups if len(set(groups)) > 2 else ["one"] * len(groups)


def _chosen(groups: Sequence[str]) -> tuple[str, ...]:
    return ACROSS_TERMS if len(set(groups)) > 1 else TERMS
