"""A module imports from the layers below its own, lazy imports included, and nothing goes round in a circle."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "lin_ft"


def imports_of(path):
    """Names of lin_ft's modules that the file imports anywhere, for checking types only aside."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and getattr(block.test, "id", "") == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "lin_ft":
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if _file(whole) else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "lin_ft")


def _file(module):
    base = PACKAGE.parent.joinpath(*module.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.exists()), None)


MODULES = {".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}
MODULES = {name.removesuffix(".__init__"): path for name, path in MODULES.items()}
IMPORTS = {name: {m for m in imports_of(path) if m in MODULES and m != name} for name, path in MODULES.items()}


def test_no_circle():
    """Depth first; a module that is met again on the way down closes a circle."""
    done, way = set(), []

    def visit(name):
        if name in done:
            return
        assert name not in way, " -> ".join([*way[way.index(name) :], name])
        way.append(name)
        for other in sorted(IMPORTS[name]):
            visit(other)
        way.pop()
        done.add(name)

    for name in sorted(IMPORTS):
        visit(name)


LAYERS = """
files autodiff typing errors provenance renamed workers
functions tangent heads trainable sharding batch_statistics
kernels predict models
data scores spectra report
zoo
finetune
gain
ranking
benchmark
selectors inspect
commands
cli
"""
"""From the bottom; what stands on one line may import one another as long as no circle closes."""


def test_only_from_below():
    unplaced = {name.split(".")[1] for name in IMPORTS if "." in name} - set(LAYERS.split())
    assert not unplaced, "a new module belongs into LAYERS"
    place = {name: level for level, line in enumerate(LAYERS.split("\n")) for name in line.split()}
    upwards = [
        f"{name} imports {other}"
        for name in IMPORTS
        for other in IMPORTS[name]
        if "." in name and "." in other and place[name.split(".")[1]] < place[other.split(".")[1]]
    ]
    assert not upwards
