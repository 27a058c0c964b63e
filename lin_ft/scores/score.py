"""A score: a function with its formula, paper, range and cost; and what it said of one model."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Score:
    """One row of SCORES. `function` takes its needs by name; with `combine` it gives parts, and `combine` turns the
    parts of all models of a zoo, (models, k), into their values. Higher is better everywhere.
    """

    function: Callable[..., Any]
    formula: str
    paper: str
    range: str
    cost: str
    combine: Callable[[np.ndarray], np.ndarray] | None = None
    revision: int = 1
    """Raised when its value changes: values that `lin-ft bench` keeps of an earlier revision are computed anew."""

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


def parameters_of(function: Callable[..., Any]) -> list[tuple[str, inspect.Parameter]]:
    return [
        (name, parameter)
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    ]
