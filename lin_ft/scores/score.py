"""A score: a function with its formula, paper, range and cost; what it may ask for; what it said of one model."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["INPUTS", "Score", "ScoreWarning", "Scored"]

INPUTS = {
    "labels": "classes of the training images, (n,)",
    "source_probabilities": "softmax of the source head's logits, (n, Z)",
    "features": "phi, penultimate features, (n, d)",
    "svd": "their thin decomposition, centred: lin_ft.scores.ThinSVD",
    "fitted": "the discriminant that SFDA and ETran start from",
    "label_embeddings": "of a language model, (K, n, e); from Python only",
    "target_features": "of a network trained on the target, (n, e); from Python only",
    "values": "regression targets, (n,) or (n, k); from Python only",
    "source_outputs": "of the source head for regression, (n, k); from Python only",
    "source_features": "of the model's own source images, (m, d), with --source-shots",
    "source_labels": "their classes, (m,)",
    "targets": "Y, one-hot labels minus 1 / C, (n, C)",
    "kernel": "the tangent kernel, (n, n)",
    "spectrum": "its eigendecomposition: lin_ft.predict.Spectrum",
    "prediction": "leave-one-out from the kernel: lin_ft.predict.Prediction",
    "x": "the images as the network takes them, (n, h, w, 3)",
    "params": "the weights",
    "apply": "the network function, (params, x) -> logits",
    "seed": "of the random choices",
    "name": "of the model",
    "n_params": "number of weights",
    "source_test_accuracy": "of the model on its source",
    "other_accuracies": "of the model fine-tuned on other targets, (T,)",
    "is_reference": "whether the model is the one that gains are against",
}
"""What a score may ask for, by the names of its parameters."""


class ScoreWarning(UserWarning):
    """Something was assumed or left out for the value that a score gives."""


@dataclass(frozen=True)
class Score:
    """One row of SCORES. Higher is better everywhere.

    `function` takes its needs by name; with `combine` it gives parts, and `combine` turns the parts of all models of a
    zoo, (models, k), into their values.
    """

    function: Callable[..., Any]
    formula: str
    paper: str
    range: str
    cost: str
    combine: Callable[[np.ndarray], np.ndarray] | None = None
    revision: int = 1
    """Raised when the values change: stored ones of another revision do not count."""

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the inputs it cannot do without: the parameters that have no default."""
        return tuple(name for name, parameter in parameters_of(self.function) if parameter.default is parameter.empty)


@dataclass(frozen=True)
class Scored:
    """What one score said of one model: a number (or parts, before `combine`) and its time, or why there is none."""

    value: float | None
    seconds: float = 0.0
    reason: str = ""
    parts: tuple[float, ...] = ()
    note: str = ""
    """What was assumed or left out for the value."""


def parameters_of(function: Callable[..., Any]) -> list[tuple[str, inspect.Parameter]]:
    """Parameters that can be given by name."""
    return [
        (name, parameter)
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    ]
