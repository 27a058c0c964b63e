"""The notebooks run from top to bottom, at small size."""

import re
import runpy
from pathlib import Path

import pytest
from small_zoo import small_tasks, small_zoo

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_from_top_to_bottom(path, tmp_path, monkeypatch, capsys):
    for folder in ("zoo", "tasks"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("LIN_FT_ZOO", str(small_zoo(tmp_path / "zoo", monkeypatch)))
    monkeypatch.setenv("LIN_FT_TARGET", str(small_tasks(tmp_path / "tasks") / "stripes"))
    monkeypatch.setenv("LIN_FT_OUT", str(tmp_path))
    monkeypatch.setenv("LIN_FT_SMALL", "1")
    runpy.run_path(str(path), run_name="__main__")
    printed = capsys.readouterr().out
    for picture in re.findall(r"OUT / \"(\w+\.png)\"", path.read_text()):
        assert (tmp_path / picture).stat().st_size > 4000
    assert len(printed.splitlines()) > 3
    cells = path.read_text().split("# %%")
    assert len(cells) > 5
