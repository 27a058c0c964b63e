"""Every public function shows an example; every example of a docstring runs and prints what it says."""

import ast
import doctest
import importlib
import inspect
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


WITHOUT_EXAMPLE = {
    "lin_ft.benchmark.evidence_of": "the table of a whole benchmark",
    "lin_ft.benchmark.matrix": "the table of a whole benchmark",
    "lin_ft.benchmark.read_parquet": "the table of a whole benchmark",
    "lin_ft.benchmark.works": "the table of a whole benchmark",
    "lin_ft.benchmark.questions.do_fewer_images_need_a_zoo": "matrices at two numbers of shots",
    "lin_ft.benchmark.questions.how_close_is_the_gain": "a matrix with predicted gains",
    "lin_ft.benchmark.questions.linearized_against_real": "matrices of two kinds of fine-tuning",
    "lin_ft.benchmark.questions.single_against_multi_domain": "a matrix of two families of models",
    "lin_ft.benchmark.questions.what_changed": "matrices of two kinds of scores",
    "lin_ft.selectors.rungs": "minutes of fine-tuning",
    "lin_ft.zoo.add": "a checkpoint from elsewhere",
}
"""What an example would need that a docstring cannot hold. docs/guides and docs/results show these at work."""


def public_functions():
    """Name -> function, of every module that says in `__all__` what it offers."""
    for path in sorted((ROOT / "lin_ft").rglob("*.py")):
        names = [
            node.value
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        ]
        if names:
            module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
            offered = {name: getattr(module, name) for name in ast.literal_eval(names[0])}
            name = module.__name__.removesuffix(".__init__")
            yield from ((f"{name}.{each}", value) for each, value in offered.items() if inspect.isfunction(value))


def test_every_public_function_shows_an_example():
    without = {name for name, function in public_functions() if ">>> " not in (function.__doc__ or "")}
    assert without == set(WITHOUT_EXAMPLE)


def test_five_parameters_or_more_are_described_one_by_one():
    for name, function in public_functions():
        parameters = inspect.signature(function).parameters
        described = inspect.getdoc(function).partition("Args:\n")[2]
        lacking = [each for each in parameters if f"{each}: " not in described]
        assert len(parameters) < 5 or not lacking, f"{name} says nothing of {', '.join(lacking)}"
