"""Any scores on the shared inputs of one (model, task): each is timed, and skipped where an input is missing."""

import contextlib
import dataclasses
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from lin_ft.errors import InputError
from lin_ft.predict import decompose
from lin_ft.scores.discriminant import fitted_discriminant
from lin_ft.scores.factor import thin_svd
from lin_ft.scores.score import INPUTS, Score, Scored, ScoreWarning, parameters_of


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

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@dataclasses.dataclass(frozen=True)
class Lazy:
    """An input to be computed when a score first needs it."""

    make: Callable[[], Any]


def array_inputs(**values: Any) -> Inputs:
    """Inputs with what scores share derived from them: thin decomposition, discriminant, and the kernel's spectrum.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import array_inputs
        >>> x = np.array([[0.0, 1.0], [0.0, 2.0], [4.0, 1.0], [4.0, 2.0]])
        >>> inputs = array_inputs(features=x, labels=np.array([0, 0, 1, 1]))
        >>> inputs["svd"].singular.round(3)  # computed when first asked for
        array([4., 1.])
    """
    if "features" in values:
        values.setdefault("svd", Lazy(lambda: thin_svd(inputs["features"])))
        if "labels" in values:
            values.setdefault("fitted", Lazy(lambda: fitted_discriminant(inputs["features"], inputs["labels"])))
    if "kernel" in values:
        values.setdefault("spectrum", Lazy(lambda: decompose(inputs["kernel"])))
    inputs = Inputs(**values)
    return inputs


def evaluate(scores: Mapping[str, Score], inputs: Mapping[str, Any]) -> dict[str, Scored]:
    """Every score on the inputs. Shared inputs are computed before the clock of a score starts.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import array_inputs, chosen, evaluate
        >>> x = np.array([[0.0, 1.0], [0.0, 2.0], [4.0, 1.0], [4.0, 2.0]])
        >>> inputs = array_inputs(features=x, labels=np.array([0, 0, 1, 1]))
        >>> scored = evaluate(chosen(["fisher_ratio", "nearest_mean"]), inputs)
        >>> {name: round(row.value, 3) for name, row in scored.items()}
        {'fisher_ratio': 0.941, 'nearest_mean': 1.0}
    """
    return {name: _evaluate(score, inputs) for name, score in scores.items()}


def _evaluate(score: Score, inputs: Mapping[str, Any]) -> Scored:
    missing = [need for need in score.needs if need not in inputs]
    if missing:
        unknown = [need for need in missing if need not in INPUTS]
        what = f", but scores are given {', '.join(INPUTS)}" if unknown else ""
        return Scored(None, reason=f"needs {', '.join(unknown or missing).replace('_', ' ')}{what}")
    try:
        given = {name: inputs[name] for name, _ in parameters_of(score.function) if name in inputs}
        with _noted() as notes:
            began = time.perf_counter()
            value = score.function(**given)
            seconds = time.perf_counter() - began
    except InputError as error:
        return Scored(None, reason=str(error))
    note = "; ".join(notes)
    if score.combine is not None:
        return Scored(None, seconds, parts=tuple(float(part) for part in value), note=note)
    value = float(value)
    return Scored(value, seconds, note=note) if np.isfinite(value) else Scored(None, seconds, f"the value is {value}")


@contextlib.contextmanager
def _noted() -> Generator[list[str]]:
    """What a score warns of, in order; all other warnings go on as they are."""
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ScoreWarning)
        yield notes
    for warning in caught:
        if issubclass(warning.category, ScoreWarning):
            notes.append(str(warning.message))
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


def combined(scores: Mapping[str, Score], rows: Sequence[dict[str, Scored]]) -> list[dict[str, Scored]]:
    """Values of the scores that look at the whole zoo, from the parts of all models.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import array_inputs, chosen, combined, evaluate
        >>> rng, labels = np.random.default_rng(0), np.arange(20) % 2
        >>> zoo = [labels[:, None] * gap + rng.normal(size=(20, 4)) for gap in (0.0, 4.0)]  # features by two models
        >>> scores = chosen(["etran"])
        >>> rows = [evaluate(scores, array_inputs(features=x, labels=labels)) for x in zoo]
        >>> worse, better = (row["etran"].value for row in combined(scores, rows))
        >>> worse < better
        True
    """
    rows = [dict(row) for row in rows]
    for name, score in scores.items():
        usable = [row for row in rows if row[name].parts]
        if score.combine is None or not usable:
            continue
        values = score.combine(np.array([row[name].parts for row in usable]))
        for row, value in zip(usable, values, strict=True):
            row[name] = dataclasses.replace(row[name], value=float(value))
    return rows
