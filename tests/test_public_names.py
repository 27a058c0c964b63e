"""What README, documentation and notebooks import is offered: it is in `__all__` of the module it comes from."""

import ast
import doctest
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs" / "guides").glob("*.md"))]
PAGES += sorted((ROOT / "notebooks").glob("*.py"))


def code_of(path):
    """The Python of a page: the file itself, its doctests and its blocks."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return [text]
    blocks = [block for block in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL) if ">>> " not in block]
    return [*blocks, "\n".join(example.source for example in doctest.DocTestParser().get_examples(text))]


def names_of(tree):
    """(module, name) of everything that is imported from lin_ft, or named as an attribute of `lin_ft` itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "lin_ft":
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "lin_ft":
            yield "lin_ft", node.attr


def is_offered(module, name):
    offered = getattr(importlib.import_module(module), "__all__", ())
    try:
        return name in offered or bool(importlib.import_module(f"{module}.{name}"))
    except ModuleNotFoundError:
        return False


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_what_a_page_imports_is_offered(path):
    names = {pair for code in code_of(path) for pair in names_of(ast.parse(code))}
    assert not [f"{module}.{name}" for module, name in sorted(names) if not is_offered(module, name)]


def test_pages_are_read():
    found = {pair for path in PAGES for code in code_of(path) for pair in names_of(ast.parse(code))}
    assert {("lin_ft", "rank"), ("lin_ft.scores", "logme"), ("lin_ft.ranking", "View")} <= found
    assert not is_offered("lin_ft.ranking", "no_such_name")
