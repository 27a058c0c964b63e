"""What is stated of a checkpoint: by the files beside it, by the hub, by the checkpoint itself."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lin_ft.errors import InputError
from lin_ft.zoo.stated.preprocessor import preprocessor_statement
from lin_ft.zoo.stated.statement import Statement, check_norms, joined
from lin_ft.zoo.stated.timm import named_architecture, timm_statement, variant_of
from lin_ft.zoo.stated.training import training_statement
from lin_ft.zoo.stated.transformers import transformers_statement

PREPROCESSORS = ("preprocessor_config.json", "processor_config.json")
CONFIG = "config.json"
CONFIGS = (*PREPROCESSORS, CONFIG)
"""Read beside the weights, in this order."""
TIMM_KEYS = ("architecture", "pretrained_cfg", "mean", "input_size", "label_names", "labels")


def statements_beside(folder: Path) -> list[Statement]:
    """What the configurations of a folder state.

    Examples:
        >>> import json, pathlib
        >>> from lin_ft.zoo.stated import statements_beside
        >>> config = {"architecture": "resnet18", "pretrained_cfg": {"mean": [0.5] * 3, "std": [0.5] * 3}}
        >>> _ = pathlib.Path("config.json").write_text(json.dumps(config))
        >>> [statement.architecture for statement in statements_beside(pathlib.Path("."))]
        ['resnet18']

    Raises:
        InputError: a file that is no JSON object; values that are no such or that mean another network.
    """
    return [_statement(path) for name in CONFIGS if (path := folder / name).is_file()]


def _statement(path: Path) -> Statement:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: no readable JSON ({error}); correct it or move it away from the weights.") from error
    if not isinstance(values, Mapping):
        raise InputError(f"{path}: no JSON object; correct it or move it away from the weights.")
    try:
        return _read(values, path.name)
    except InputError as error:
        raise InputError(f"{path.parent}: {error}") from error
    except (TypeError, ValueError, AttributeError, KeyError, IndexError) as error:
        raise InputError(f"{path}: a value of another kind than expected ({error}); correct it.") from error


def _read(values: Mapping[str, Any], where: str) -> Statement:
    if where != CONFIG:
        return preprocessor_statement(values, where)
    kind = values.get("model_type")
    timm = kind == "timm_wrapper" if kind else any(key in values for key in TIMM_KEYS)
    return timm_statement(values, where) if timm else transformers_statement(values, where)


__all__ = [
    "Statement", "check_norms", "joined", "named_architecture", "statements_beside", "training_statement", "variant_of",
]  # fmt: skip
