"""What fine-tuning measured."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from lin_ft.files.atomic import write_atomically
from lin_ft.predict import is_unbalanced


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
    test_class_counts: tuple[int, ...] = ()
    """Test images of each class."""
    test_balanced_accuracy: float | None = None
    """Mean over the classes of the accuracy within each: what predictions from equally many of each class speak of."""
    test_balanced_accuracy_interval: tuple[float, float] | None = None
    variables: Any = dataclasses.field(default=None, repr=False, compare=False)
    """{"params", "batch_stats"} after fine-tuning, for zoo entries and further work; of the linearized network the
    params are those of the tangent model. Not in `as_dict`."""

    @property
    def unbalanced(self) -> bool:
        """Whether the test classes differ in size, so that the plain accuracy depends on their shares."""
        return self.test_balanced_accuracy is not None and is_unbalanced(self.test_class_counts)

    @property
    def largest_share(self) -> float:
        """Share of the largest class among the test images: what always answering it would reach."""
        return max(self.test_class_counts) / sum(self.test_class_counts)

    @property
    def comparable(self) -> tuple[float, tuple[float, float]]:
        """Accuracy and interval to hold against predictions: balanced where the test classes are unbalanced."""
        if self.unbalanced and self.test_balanced_accuracy is not None and self.test_balanced_accuracy_interval:
            return self.test_balanced_accuracy, self.test_balanced_accuracy_interval
        return self.test_accuracy, self.test_accuracy_interval

    def accuracy_text(self) -> str:
        """Test accuracy with its interval; where classes are unbalanced, the largest share and the balanced too."""
        accuracy = _percent(self.test_accuracy, self.test_accuracy_interval)
        text = f"test accuracy {accuracy} on {len(self.correct)} images"
        if self.unbalanced:
            text += f", of which the largest class is {self.largest_share:.1%}; balanced {_percent(*self.comparable)}"
        return text

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
        """Write `as_dict` to the file, in one step."""
        text = json.dumps(self.as_dict(), indent=1) + "\n"
        write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def _percent(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.1%} [{interval[0]:.1%}, {interval[1]:.1%}]"
