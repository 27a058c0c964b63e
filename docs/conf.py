"""Sphinx: pages in MyST Markdown, the API from docstrings, a gallery made of the notebooks."""

import importlib.metadata
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]  # gallery.py; the experiments that a notebook imports

import gallery  # noqa: E402

project = "lin_ft"
author = "the lin_ft authors"
copyright = f"2026, {author}"
release = version = importlib.metadata.version("lin-ft")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "_gallery_source", "README.md"]
nitpicky = False

default_role = "literal"
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": False}
napoleon_google_docstring = True
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = "lin_ft"
html_show_sourcelink = False

sphinx_gallery_conf = {
    "examples_dirs": str(gallery.write(HERE.parent / "notebooks", HERE / "_gallery_source")),
    "gallery_dirs": "gallery",
    "filename_pattern": r".*\.py",
    "download_all_examples": False,
    "abort_on_example_error": True,
    "show_memory": False,
    "remove_config_comments": True,
}
suppress_warnings = ["config.cache"]
