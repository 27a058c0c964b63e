"""Configurations are Python files that define `config`."""

import runpy
from pathlib import Path
from typing import TypeVar

from lin_ft.errors import InputError

Config = TypeVar("Config")


def config_of(path: str | Path, kind: type[Config], *, example: str) -> Config:
    """The `config` of a Python file (run as code: only use files you trust).

    Raises:
        InputError: no such file, one that cannot be run, or whose `config` is not of this kind; `example` is named.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such config; give a file such as {example}.")
    try:
        config = runpy.run_path(str(path)).get("config")
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path}: cannot be run ({type(error).__name__}: {error}); mend it.") from error
    if not isinstance(config, kind):
        raise InputError(f"{path}: defines no `config` that is a {kind.__module__}.{kind.__name__}; see {example}.")
    return config
