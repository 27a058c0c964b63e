"""One benchmark at one number of shots, as the questions of the report need it: the one place that reads a table."""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from lin_ft.benchmark.collect import FAMILY, columns, finetuned, matrix, of_models, of_rates, score_names, unfinished
from lin_ft.benchmark.config import BenchConfig
from lin_ft.benchmark.judge import Against, Judge
from lin_ft.benchmark.results import Results, Scores
from lin_ft.benchmark.score_names import columns_of, distinct
from lin_ft.benchmark.static import FINE_TUNED, fine_tuned, is_blind, static_rankings

if TYPE_CHECKING:
    import polars


@dataclasses.dataclass(frozen=True, eq=False)
class Evidence:
    """What a page of results is made of."""

    title: str
    """Of a section: "Core, 10 images a class"."""
    judge: Judge
    """Each quantity once, the rankings blind to the target and a real fine-tuning among its scores."""
    shots: int = 0
    """Images a class; 0: all."""
    against: Against = "mean"
    development: tuple[str, ...] = ()
    """Tasks on which variants may be chosen."""
    families: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Of each model: single, or how a multi-domain model was trained."""
    sources: Mapping[str, str] = dataclasses.field(default_factory=dict)
    rates: Mapping[float, Results] = dataclasses.field(default_factory=dict)
    """Learning rate -> accuracies at it."""
    dropped: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Names of scores that repeat another -> that other."""
    empty: tuple[str, ...] = ()
    """Scores without a value."""
    unfinished: Mapping[str, Mapping[int, int]] = dataclasses.field(default_factory=dict)
    """Score -> seed of a draw that it is left out of -> how many of its records are still to come."""
    diverged: tuple[str, ...] = ()
    """Fine-tunings that diverged at every learning rate, in words."""
    missing: Mapping[int, int] = dataclasses.field(default_factory=dict)
    """Seed of a draw -> how many of its fine-tunings are still to come."""
    planned: int = 0
    """Fine-tunings of the whole matrix; 0 where nothing was planned."""
    labels: Mapping[str, tuple[str, str, str]] = dataclasses.field(default_factory=dict)
    """Label of a score -> (score, head, left out), as the table has them."""

    @property
    def results(self) -> Results:
        """Fine-tuned accuracies of every draw."""
        return self.judge.results

    @property
    def scores(self) -> Scores:
        """Name -> values (draws, tasks, models)."""
        return self.judge.scores

    @property
    def n_draws(self) -> int:
        """How many samples of every task the models were fine-tuned on."""
        return len(self.results.accuracy)

    @functools.cached_property
    def targeted(self) -> tuple[str, ...]:
        """Names of the scores proper: neither blind to the target nor a fine-tuning."""
        return tuple(name for name in self.scores if not is_blind(name) and name != FINE_TUNED)

    def of_task(self, statistic: str, score: str) -> Float[np.ndarray, " T"]:
        """One value a task of `statistic` of the score, against this section's truth."""
        return self.judge.of_task(statistic, score, self.against)

    def table(self, statistic: str, *, sign: float = 1.0) -> dict[str, np.ndarray]:
        """Score -> one value a task of `statistic`, times `sign`; against this section's truth."""
        return self.judge.table(statistic, self.against, sign=sign)

    def columns(self, name: str) -> tuple[str, str, str]:
        """(score, head, left out)."""
        return self.labels.get(name) or columns_of(name)

    def of_draws(self, draws: Sequence[int], *, against: Against | None = None) -> "Evidence":
        """The same from some of the draws."""
        index = list(draws)
        results = dataclasses.replace(self.results, accuracy=self.results.accuracy[index])
        scores = {name: values[index] for name, values in self.scores.items() if name != FINE_TUNED}
        rates = {
            rate: dataclasses.replace(row, accuracy=row.accuracy[index])
            for rate, row in self.rates.items()
            if len(row.accuracy) == self.n_draws
        }
        return dataclasses.replace(
            self,
            judge=Judge(results, {**scores, **fine_tuned(results)}),
            against=against or self.against,
            rates=rates,
        )


def evidence_of(table: "polars.DataFrame", shots: int, config: BenchConfig) -> Evidence:
    """Of a table of `lin-ft bench collect`. Raises InputError as `lin_ft.benchmark.collect.matrix` does."""
    results, scores, facts = matrix(table, shots, config.reference)
    pending = unfinished(table, shots, results.models, results.tasks)
    kept, dropped = distinct(scores)
    architectures = of_models(table, "architecture")
    results = dataclasses.replace(results, groups=tuple(architectures[model] for model in results.models))
    return Evidence(
        title=f"{config.name}, {of_shots(shots)}",
        judge=Judge(results, {**kept, **static_rankings(results, facts), **fine_tuned(results)}),
        shots=shots,
        development=tuple(task for task in results.tasks if task in config.development),
        families=of_models(table, FAMILY),
        sources=of_models(table, "source"),
        rates=of_rates(table, shots, config.reference),
        dropped=dropped,
        empty=tuple(sorted(set(score_names(table)) - scores.keys() - pending.keys())),
        unfinished=pending,
        labels={label: (row.score, row.head or "", row.left_out or "") for label, row in columns(table).items()},
        **_progress(table, shots, config, results.models),
    )


def _progress(table: "polars.DataFrame", shots: int, config: BenchConfig, models: Sequence[str]) -> dict[str, Any]:
    """What diverged, and what is still to come of the configuration's draws."""
    rows = list(finetuned(table, shots).iter_rows(named=True))
    diverged = [row for row in rows if row["status"] == "diverged"]
    done = {(row["model"], row["task"], row["seed"]) for row in rows if row["test_accuracy"] is not None}
    done |= {(row["model"], row["task"], row["seed"]) for row in diverged}
    tasks = {seed: part.tasks for part in config.parts if shots in part.shots for seed in part.seeds}
    left = {seed: sum((m, t, seed) not in done for m in models for t in tasks[seed]) for seed in sorted(tasks)}
    return {
        "diverged": tuple(f"{row['model']} on {row['task']} (draw {row['seed']})" for row in diverged),
        "missing": {seed: count for seed, count in left.items() if count},
        "planned": sum(len(of_draw) for of_draw in tasks.values()) * len(models),
    }


def of_shots(shots: int) -> str:
    """The number of shots in words."""
    return f"{shots} images a class" if shots else "all training images"
