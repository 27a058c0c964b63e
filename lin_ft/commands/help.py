"""Help texts: the docstring of every option as one paragraph, whose lines break where the terminal's do."""

import ast
import dataclasses
import inspect
import textwrap
import typing
from types import MappingProxyType
from typing import Any


def with_help(command: Any) -> Any:
    """The command, with the docstring of each field as its help; and so the dataclasses that its fields are of.

    tyro takes such docstrings as they stand, with the line breaks and the indentation of the source.
    """
    if not isinstance(command, type) or not dataclasses.is_dataclass(command):
        for part in typing.get_args(command):
            with_help(part)
        return command
    texts = {name: text for each in reversed(command.__mro__) for name, text in _docstrings(each).items()}
    for field in dataclasses.fields(command):
        if field.name in texts:
            field.metadata = MappingProxyType({**field.metadata, "help": texts[field.name]})
    for hint in typing.get_type_hints(command, include_extras=True).values():
        with_help(hint)
    return command


def _docstrings(kind: type) -> dict[str, str]:
    """Field -> the string below it, each run of white space as one space."""
    if not dataclasses.is_dataclass(kind):
        return {}
    (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(body, ast.ClassDef)
    found = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            found[field.target.id] = " ".join(str(ast.literal_eval(text.value)).split())
    return found
