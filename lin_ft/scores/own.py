"""A user's own function as a score."""

import functools
import importlib.util
import inspect
from pathlib import Path
from typing import Any

from lin_ft.errors import InputError
from lin_ft.scores.score import Score


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
