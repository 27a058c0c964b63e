"""What fine-tuning measured."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from lin_ft.files.atomic import write_atomically


@dataclasses.dataclass(frozen=True)
class GridPoint:
    """One pair of hyper-parameters. Values of a diverged one are None."""

    learning_rate: float
    weight_decay: float
    diverged: bool
    step: int
    """After how many steps its weights were taken: the last, or the best look at the validation images."""
    validation_accuracy: float | None
    validation_loss: float | None
    test_accuracy: float | None
    """Only where `test_every_point` asks for it, and of the chosen pair; never looked at by the choice."""
    curve: tuple[float, ...]
    """Training loss of every step."""
    validation_curve: tuple[tuple[int, float, float], ...]
    """(steps done, accuracy, loss) at every look."""


@dataclasses.dataclass(frozen=True)
class FinetuneResult:
    """Accuracies are fractions in [0, 1]; `curve` is the training loss of every step at the chosen pair."""

    model: str
    task: str
    learning_rate: float
    validation_accuracy: dict[float, float]
    """Of each learning rate that did not diverge, at its best weight decay."""
    test_accuracy: float
    test_accuracy_interval: tuple[float, float]
    correct: np.ndarray
    """(n_test,) bool: test images classified rightly."""
    curve: tuple[float, ...]
    seconds: float
    weight_decay: float = 0.0
    grid: tuple[GridPoint, ...] = ()
    variables: Any = dataclasses.field(default=None, repr=False, compare=False)
    """{"params", "batch_stats"} after fine-tuning, for zoo entries and further work; of the linearized network the
    params are those of the tangent model. Not in `as_dict`."""

    def as_dict(self) -> dict:
        """Everything but the weights, as JSON types."""
        values = dataclasses.asdict(dataclasses.replace(self, variables=None))
        del values["variables"]
        rates = {f"{rate:g}": accuracy for rate, accuracy in self.validation_accuracy.items()}
        grid = [
            point | {"curve": [value if np.isfinite(value) else None for value in point["curve"]]}
            for point in values["grid"]
        ]
        correct = [bool(value) for value in self.correct]
        return values | {"validation_accuracy": rates, "correct": correct, "grid": grid}

    def save_json(self, path: str | Path) -> None:
        text = json.dumps(self.as_dict(), indent=1) + "\n"
        write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
