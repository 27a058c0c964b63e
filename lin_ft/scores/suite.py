"""Any score by name on the shared inputs of one (model, task): each is timed, and skipped where an input is missing."""

import functools
import importlib.util
import inspect
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lin_ft.errors import InputError


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

    @property
    def needs(self) -> tuple[str, ...]:
        """Names of the inputs it cannot do without: the parameters that have no default."""
        return tuple(name for name, parameter in _parameters(self.function) if parameter.default is parameter.empty)


@dataclass(frozen=True)
class Scored:
    """What one score said of one model: a number (or parts, before `combine`) and its time, or why there is none."""

    value: float | None
    seconds: float = 0.0
    reason: str = ""
    parts: tuple[float, ...] = ()


class Inputs(Mapping[str, Any]):
    """Named inputs of one (model, task); a `Lazy` value is computed when first asked for, once."""

    def __init__(self, **values: Any):
        self._values = values

    def __getitem__(self, name: str) -> Any:
        value = self._values[name]
        if isinstance(value, Lazy):
            value = self._values[name] = value.make()
        return value

    def __contains__(self, name: object) -> bool:
        return name in self._values  # without computing it

    def __iter__(self):
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@dataclass(frozen=True)
class Lazy:
    """An input to be computed when a score first needs it."""

    make: Callable[[], Any]


def array_inputs(**values: Any) -> Inputs:
    """Inputs with what scores share derived from them: thin decomposition, discriminant, and the kernel's spectrum."""
    from lin_ft.predict import decompose
    from lin_ft.scores.discriminant import fitted_discriminant
    from lin_ft.scores.factor import thin_svd

    if "features" in values:
        values.setdefault("svd", Lazy(lambda: thin_svd(inputs["features"])))
        if "labels" in values:
            values.setdefault("fitted", Lazy(lambda: fitted_discriminant(inputs["features"], inputs["labels"])))
    if "kernel" in values:
        values.setdefault("spectrum", Lazy(lambda: decompose(inputs["kernel"])))
    inputs = Inputs(**values)
    return inputs


def evaluate(scores: Mapping[str, Score], inputs: Mapping[str, Any]) -> dict[str, Scored]:
    """Every score on the inputs. Shared inputs are computed before the clock of a score starts."""
    return {name: _evaluate(score, inputs) for name, score in scores.items()}


def _evaluate(score: Score, inputs: Mapping[str, Any]) -> Scored:
    missing = [need for need in score.needs if need not in inputs]
    if missing:
        return Scored(None, reason=f"needs {', '.join(missing).replace('_', ' ')}")
    try:
        given = {name: inputs[name] for name, _ in _parameters(score.function) if name in inputs}
        began = time.perf_counter()
        value = score.function(**given)
        seconds = time.perf_counter() - began
    except InputError as error:
        return Scored(None, reason=str(error))
    if score.combine is not None:
        return Scored(None, seconds, parts=tuple(float(part) for part in value))
    value = float(value)
    return Scored(value, seconds) if np.isfinite(value) else Scored(None, seconds, f"the value is {value}")


def combined(scores: Mapping[str, Score], rows: Sequence[dict[str, Scored]]) -> list[dict[str, Scored]]:
    """Values of the scores that look at the whole zoo, from the parts of all models."""
    rows = [dict(row) for row in rows]
    for name, score in scores.items():
        usable = [row for row in rows if row[name].parts]
        if score.combine is None or not usable:
            continue
        values = score.combine(np.array([row[name].parts for row in usable]))
        for row, value in zip(usable, values, strict=True):
            row[name] = Scored(float(value), row[name].seconds, parts=row[name].parts)
    return rows


def chosen(names: Iterable[str]) -> dict[str, Score]:
    """Scores by name, 'all', or a user's 'file.py:function'.

    Raises:
        InputError: an unknown name; says which are known.
    """
    from lin_ft.scores import SCORES

    found: dict[str, Score] = {}
    for name in names:
        if name == "all":
            found.update(SCORES)
        elif name in SCORES:
            found[name] = SCORES[name]
        elif ":" in name:
            found[name] = user_score(name)
        else:
            raise InputError(f"score {name!r}: unknown; one of all, FILE.py:FUNCTION, {', '.join(SCORES)}.")
    return found


def user_score(spec: str) -> Score:
    """A function in a file as a score: its parameters name the inputs it gets, its number is the score.

    Raises:
        InputError: no such file or function, or the file cannot be run.
    """
    path, _, name = spec.rpartition(":")
    module_spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    if module_spec is None or module_spec.loader is None or not Path(path).is_file():
        raise InputError(f"score {spec!r}: there is no Python file {path!r}.")
    module = importlib.util.module_from_spec(module_spec)
    try:
        module_spec.loader.exec_module(module)
    except Exception as error:
        raise InputError(f"score {spec!r}: the file does not run ({type(error).__name__}: {error}).") from error
    function = getattr(module, name, None)
    if not callable(function):
        raise InputError(f"score {spec!r}: the file has no function {name!r}.")

    @functools.wraps(function)
    def guarded(*values: Any, **named: Any) -> Any:
        try:
            return function(*values, **named)
        except Exception as error:
            raise InputError(f"score {spec!r}: it raised {type(error).__name__}: {error}") from error

    formula = (inspect.getdoc(function) or "a function of your own").splitlines()[0]
    return Score(guarded, formula, path, "any; higher is better", "unknown")


def _parameters(function: Callable[..., Any]) -> list[tuple[str, inspect.Parameter]]:
    return [
        (name, parameter)
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    ]
