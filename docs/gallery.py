"""Notebooks in percent format as the gallery's examples: Markdown cells become reStructuredText."""

import shutil
from pathlib import Path

import jupytext
import pypandoc

INTRODUCTION = """\
Gallery
=======

Notebooks, run from top to bottom when these pages were made. Each can be downloaded as ``.ipynb`` or ``.py``.
"""


def write(notebooks: Path, out: Path) -> Path:
    """One example a notebook of the folder, found by glob, into `out`; returns `out`."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / "README.rst").write_text(INTRODUCTION, encoding="utf-8")
    for path in sorted(notebooks.glob("*.py")):
        (out / path.name).write_text(example(path), encoding="utf-8")
    return out


def example(path: Path) -> str:
    """The text of a sphinx-gallery example: the first cell, Markdown, is its docstring."""
    first, *rest = jupytext.read(path).cells
    if first.cell_type != "markdown":
        raise ValueError(f"{path}: the first cell must be Markdown with the title.")
    pieces = [f'r"""\n{_restructured(first.source)}\n"""']
    for cell in rest:
        if cell.cell_type == "markdown":
            lines = _restructured(cell.source).splitlines()
            pieces.append("\n".join(["# %%", *(f"# {line}".rstrip() for line in lines)]))
        else:
            pieces.append(f"# %%\n{cell.source}")
    return "\n\n".join(pieces) + "\n"


def _restructured(markdown: str) -> str:
    return pypandoc.convert_text(markdown, "rst", format="gfm", extra_args=["--wrap=none"]).strip()
