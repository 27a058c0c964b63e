"""What fine-tuning measured, as one array: the ground truth that every score is held against."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError

Accuracies: TypeAlias = Float[np.ndarray, "S T M"]
"""Test accuracies, fractions: S draws (of the few-shot sample and of the training), T tasks, M models. NaN: none."""
Row: TypeAlias = Float[np.ndarray, " M"]
"""One task and draw: a number for each model."""
Scores: TypeAlias = Mapping[str, Float[np.ndarray, "S T M"]]
"""Name of a score -> its values, larger is better. NaN: the score has none for that model, or not for that draw."""
PerTask: TypeAlias = Mapping[str, Float[np.ndarray, " T"]]
"""Name of a score -> one value a task, larger is better, e.g. its rank correlation."""


@dataclasses.dataclass(frozen=True, eq=False)
class Results:
    """Fine-tuned accuracies of every model on every task.

    Raises:
        InputError: names and array disagree, a name comes twice, the reference is no model, an accuracy outside [0, 1].
    """

    models: tuple[str, ...]
    tasks: tuple[str, ...]
    accuracy: Accuracies
    reference: str
    """The model that gains are measured against."""
    groups: tuple[str, ...] = ()
    """Of each model: its architecture. Empty: one group."""

    def __post_init__(self):
        n_draws, n_tasks, n_models = self.accuracy.shape
        problems = []
        if (n_tasks, n_models) != (len(self.tasks), len(self.models)):
            problems.append(
                f"accuracy has {n_tasks} tasks and {n_models} models, the names {len(self.tasks)} and"
                f" {len(self.models)}"
            )
        for kind, names in (("task", self.tasks), ("model", self.models)):
            problems += [f"the {kind} {name} comes twice" for name in sorted({n for n in names if names.count(n) > 1})]
        if self.reference not in self.models:
            problems.append(f"the reference {self.reference} is not among the models")
        if self.groups and len(self.groups) != n_models:
            problems.append(f"{len(self.groups)} groups for {n_models} models")
        if not n_draws or np.isinf(self.accuracy).any() or (self.accuracy < 0).any() or (self.accuracy > 1).any():
            problems.append("accuracies are fractions from 0 to 1 of at least one draw, NaN where there is none")
        if problems:
            raise InputError(f"Results: {'; '.join(problems)}.")

    @property
    def reference_accuracy(self) -> Float[np.ndarray, "S T"]:
        """The reference's accuracy on every draw of every task."""
        return self.accuracy[:, :, self.models.index(self.reference)]

    def take(self, tasks: Sequence[str]) -> "Results":
        """The same models on some of the tasks."""
        index = [self.tasks.index(task) for task in tasks]
        return dataclasses.replace(self, tasks=tuple(tasks), accuracy=self.accuracy[:, index])


def check_scores(results: Results, scores: Scores) -> None:
    """Raises InputError naming every score whose array does not match the results."""
    shape = results.accuracy.shape
    wrong = [f"{name} {values.shape}" for name, values in scores.items() if values.shape != shape]
    if wrong:
        raise InputError(f"Scores must have the shape {shape} of the accuracies; these do not: {', '.join(wrong)}.")
