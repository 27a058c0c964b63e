"""The documentation: every code block with a prompt runs, every link within it leads somewhere."""

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path for path in (ROOT / "docs").rglob("*.md") if not {"_build", "gallery", "_gallery_source"} & set(path.parts)
)
PAGES += [ROOT / "README.md", ROOT / "CHANGELOG.md"]
IDS = [str(path.relative_to(ROOT)) for path in PAGES]
MADE = ("gallery/", "_build/")
"""Pages that `make docs` writes."""


@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_what_a_page_shows_is_what_comes_out(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.testfile(str(path), module_relative=False, optionflags=flags).failed == 0


@pytest.mark.parametrize("path", PAGES, ids=IDS)
def test_links_lead_somewhere(path):
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link) or link.startswith("#"):
            continue
        target = (path.parent / link.split("#")[0]).resolve()
        made = target.is_relative_to(ROOT / "docs") and str(target.relative_to(ROOT / "docs")).startswith(MADE)
        assert target.exists() or made, f"{path.name}: {link}"


def test_every_page_is_in_the_table_of_contents():
    docs = ROOT / "docs"
    for folder in {path.parent for path in PAGES if path.is_relative_to(docs)}:
        index = (folder / "index.md").read_text(encoding="utf-8")
        listed = re.findall(r"^([\w/]+)$", index, flags=re.MULTILINE)
        for page in folder.glob("*.md"):
            assert page.stem == "index" or page.stem in listed, page
