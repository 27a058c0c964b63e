"""Successive halving: judge all models cheaply, keep some, judge those at a larger budget, and so on.

Jamieson and Talwalkar 2016 (arXiv 1502.07943); for choosing among pre-trained models, SHiFT (Renggli et al. 2022, arXiv
2204.01457), and task-aware mixed with task-agnostic scores as in "Which model to transfer? Finding the needle in the
growing haystack" (Renggli et al. 2022, arXiv 2010.06402). Here the rungs are: score, linear probe, a few steps of
fine-tuning, more steps. Validation accuracy alone decides; no rung sees a test image.
"""

import dataclasses
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from scipy.stats import rankdata

from lin_ft.errors import InputError


@dataclasses.dataclass(frozen=True)
class Rung:
    """One stage: `evaluate(model)` is larger for better models; the best `keep` go on."""

    name: str
    evaluate: Callable[[str], float]
    keep: int
    cost: float = 0.0
    """Of one evaluation, in any unit; summed up."""


@dataclasses.dataclass(frozen=True)
class Halving:
    """`ranking`: all models, best first: who left later is better, and among those of one rung its value decides."""

    ranking: tuple[str, ...]
    values: dict[str, dict[str, float]]
    """Rung -> model -> value, of the models that took part in it."""
    cost: float

    @property
    def best(self) -> str:
        """The model that is left at the end."""
        return self.ranking[0]

    def scores(self, models: Sequence[str]) -> list[float]:
        """One number a model, larger is better: the ranking as a score."""
        place = {model: float(len(self.ranking) - i) for i, model in enumerate(self.ranking)}
        return [place[model] for model in models]


def successive_halving(models: Sequence[str], stages: Sequence[Rung]) -> Halving:
    """Run the stages in order. Ties, and values that are NaN (a model that diverged, last), keep the order before.

    Cost: sum over rungs of (models still in) x (cost of one evaluation).

    Raises InputError for no models, no stages, or rungs that keep none or more than the one before.

    Examples:
        >>> from lin_ft.selectors import Rung, successive_halving
        >>> cheap, dear = {"a": 3.0, "b": 2.0, "c": 1.0}, {"a": 0.5, "b": 0.7}
        >>> stages = [Rung("cheap", cheap.__getitem__, 2, 1.0), Rung("dear", dear.__getitem__, 1, 10.0)]
        >>> found = successive_halving("abc", stages)
        >>> found.ranking, found.cost
        (('b', 'a', 'c'), 23.0)
    """
    if not models or len(set(models)) != len(models):
        raise InputError("Successive halving needs at least one model, and each once.")
    keeps = [len(models), *(stage.keep for stage in stages)]
    if len(keeps) < 2 or min(keeps) < 1 or any(after > before for before, after in itertools.pairwise(keeps)):
        raise InputError(
            f"Rungs keep {keeps[1:]} of {len(models)} models: each must keep at least 1 and never gain any."
        )
    alive, out, cost = list(models), [], 0.0
    values: dict[str, dict[str, float]] = {}
    for stage in stages:
        measured = {model: float(stage.evaluate(model)) for model in alive}
        values[stage.name] = measured
        cost += stage.cost * len(alive)
        alive.sort(key=lambda model, m=measured: -math.inf if math.isnan(m[model]) else m[model], reverse=True)
        alive, gone = alive[: stage.keep], alive[stage.keep :]
        out = gone + out
    return Halving(tuple(alive + out), values, cost)


def mixed(*scores: Mapping[str, float], weights: Sequence[float] | None = None) -> dict[str, float]:
    """Weighted mean of the scores' ranks (0 worst, 1 best): a task-aware score beside a static one, say.

    Raises InputError when the scores do not name the same models.

    Examples:
        >>> from lin_ft.selectors import mixed
        >>> mixed({"a": 0.1, "b": 0.9, "c": 0.5}, {"a": 2.0, "b": 1.0, "c": 3.0})
        {'a': 0.25, 'b': 0.5, 'c': 0.75}
    """
    if not scores or any(score.keys() != scores[0].keys() for score in scores):
        raise InputError("Scores are mixed over the same models: give at least one score, all of the same models.")
    weights = weights or [1.0] * len(scores)
    if len(weights) != len(scores) or min(weights) < 0 or not sum(weights):
        raise InputError(f"weights {list(weights)}: give one a score, none below 0 and not all 0.")
    names = list(scores[0])
    most = max(len(names) - 1, 1)
    places = [(rankdata([score[name] for name in names]) - 1) / most for score in scores]
    return {
        name: float(sum(w * place[i] for w, place in zip(weights, places, strict=True)) / sum(weights))
        for i, name in enumerate(names)
    }


def rungs(
    zoo: Sequence[Any],
    task: Any,
    *,
    prior: Mapping[str, float] | None = None,
    steps: Sequence[int] = (20, 60, 150),
    config: Any = None,
) -> list[Rung]:
    """Rungs for a real task, each keeping half: Label-Feature Correlation, linear probe, then `steps` of fine-tuning.

    `prior` is a task-agnostic score of each model (mean rank on past tasks); the first rung then is its `mixed` with
    the score. Costs are in gradient steps of one batch, a forward pass over the task counting as a third of the steps
    that see as many images.

    Args:
        zoo: models.
        task: whose training images they are tried on.
        prior: a score of each model that knows nothing of the task; None: none.
        steps: of the rungs that fine-tune.
        config: of the fine-tuning; None: its defaults.
    """
    from lin_ft.finetune import FinetuneConfig, finetune
    from lin_ft.ranking import RankConfig, View, describe

    if not steps or list(steps) != sorted(set(steps)) or steps[0] < 1:
        raise InputError(f"steps {tuple(steps)}: give growing numbers of gradient steps, from 1.")
    config = config or FinetuneConfig()
    by_name = {model.name: model for model in zoo}
    rows = {}

    def row(name: str):
        if name not in rows:
            rows[name] = describe(View(by_name[name], task, RankConfig(head="zero", seed=config.seed)))
        return rows[name]

    first: dict[str, float] = {}

    def score(name: str) -> float:
        if not first:
            own = {model: row(model).label_feature_correlation for model in by_name}
            first.update(own if prior is None else mixed(own, {model: prior[model] for model in by_name}))
        return first[name]

    def tuned(budget: int) -> Callable[[str], float]:
        def validation_accuracy(name: str) -> float:
            from lin_ft.errors import DivergedError

            try:
                result = finetune(by_name[name], task, dataclasses.replace(config, steps=budget))
            except DivergedError:
                return math.nan
            return max(result.validation_accuracy.values())

        return validation_accuracy

    left = [max(1, math.ceil(len(by_name) / 2**i)) for i in range(1, 3 + len(steps))]
    forward = task.n / config.batch_size / 3
    stages = [Rung("score", score, left[0], forward)]
    stages.append(
        Rung("probe", lambda name: row(name).predicted_accuracy - 1e-6 * row(name).predicted_loss, left[1], 0.0)
    )
    rates = len(config.learning_rates)
    stages += [Rung(f"{n} steps", tuned(n), keep, float(n * rates)) for n, keep in zip(steps, left[2:], strict=True)]
    return stages
