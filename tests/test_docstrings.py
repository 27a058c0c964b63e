"""Every example of a docstring runs and prints what it says."""

import doctest
import importlib
from pathlib import Path

import jax
import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "lin_ft").rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_print_what_they_say(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    with jax.enable_x64(False):  # as a reader's session is
        failed, run = doctest.testmod(importlib.import_module(name), optionflags=flags)
    assert run > 0, "an example that no test finds"
    assert failed == 0
