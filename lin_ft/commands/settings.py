"""`--set NAME=VALUE`: any field of a configuration, by its own name and type."""

import ast
import dataclasses
import types
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from lin_ft.errors import InputError

_Config = TypeVar("_Config")


def divided(settings: Sequence[str], part: str) -> tuple[list[str], list[str]]:
    """Those of the command's own configuration, and those that begin with `part.` (which is taken off)."""
    mine = [each for each in settings if not each.startswith(f"{part}.")]
    return mine, [each.removeprefix(f"{part}.") for each in settings if each.startswith(f"{part}.")]


def changed(config: _Config, settings: Sequence[str], prefix: str = "") -> _Config:
    """The frozen dataclass with other values: NAME=VALUE, or NAME.FIELD=VALUE inside a field that is one itself.

    A leading `prefix.` may be given or not. Values of tuples are joined by commas: rates=0.01,0.03.

    Raises:
        InputError: no such field, or a value of another type; names the setting. And what the configuration refuses.
    """
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not equals:
            raise InputError(f"--set {setting}: give NAME=VALUE.")
        path = name.strip().removeprefix(f"{prefix}.").replace("-", "_").split(".")
        config = _with(config, path, text.strip(), setting)
    return config


def _with(config: Any, path: list[str], text: str, setting: str) -> Any:
    hints = typing.get_type_hints(type(config))
    fields = {field.name: hints[field.name] for field in dataclasses.fields(config)}
    name, *rest = path
    if name not in fields:
        raise InputError(f"--set {setting}: there is no {name}; one of {', '.join(fields)}.")
    value = getattr(config, name)
    if dataclasses.is_dataclass(value) and rest:
        return dataclasses.replace(config, **{name: _with(value, rest, text, setting)})
    if rest or dataclasses.is_dataclass(value):
        raise InputError(f"--set {setting}: {name} is {'no group' if rest else 'a group: name one field of it'}.")
    try:
        return dataclasses.replace(config, **{name: parsed(text, fields[name])})
    except (ValueError, TypeError, SyntaxError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"--set {setting}: {text!r} is no {_called(fields[name])}.") from error


def parsed(text: str, kind: Any) -> Any:
    """The text as a value of an annotated type: numbers, truth values, names, paths, tuples of these, unions.

    Raises ValueError where it is none.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        if (found := next((each for each in arguments if str(each) == text), None)) is None:
            raise ValueError(text)
        return found
    if origin in (typing.Union, types.UnionType):
        if type(None) in arguments and text.lower() == "none":
            return None
        for each in arguments:
            try:
                return parsed(text, each)
            except (ValueError, TypeError):
                continue
        raise ValueError(text)
    if origin is tuple:
        items = [item.strip() for item in text.strip("()[]").split(",") if item.strip()]
        return tuple(parsed(item.strip("'\""), arguments[0]) for item in items)
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise ValueError(text)
        return text.lower() == "true"
    if kind in (int, float, Path):
        return kind(text)
    return text if kind is str else ast.literal_eval(text)


def _called(kind: Any) -> str:
    names = {int: "whole number", float: "number", bool: "truth value (true or false)"}
    if typing.get_origin(kind) is Literal:
        return f"one of {', '.join(map(str, typing.get_args(kind)))}"
    if typing.get_origin(kind) is tuple:
        return f"list of {_called(typing.get_args(kind)[0])}s, joined by commas"
    return names.get(kind, getattr(kind, "__name__", str(kind)))
