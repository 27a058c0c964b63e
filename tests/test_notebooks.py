"""The notebooks run from top to bottom, at small size."""

import runpy
import sys
from pathlib import Path

import pytest
from small_zoo import small_tasks, small_zoo

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))


def test_there_are_three():
    assert [path.stem for path in NOTEBOOKS] == ["headline_figure", "tour", "what_the_kernel_sees"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_from_top_to_bottom(path, tmp_path, monkeypatch, capsys):
    for folder in ("zoo", "tasks"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("LIN_FT_ZOO", str(small_zoo(tmp_path / "zoo", monkeypatch)))
    monkeypatch.setenv("LIN_FT_TARGET", str(small_tasks(tmp_path / "tasks") / "stripes"))
    monkeypatch.setenv("LIN_FT_OUT", str(tmp_path))
    monkeypatch.setenv("LIN_FT_SMALL", "1")
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    runpy.run_path(str(path), run_name="__main__")
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(ROOT / "experiments")):
            del sys.modules[name]
    printed = capsys.readouterr().out
    expected = {
        "tour": ("fine-tuned", []),
        "what_the_kernel_sees": ("of the energy in the first 1", ["kernels.png", "label_energy.png"]),
        "headline_figure": ("How many selections reach the best model?", ["headline.png"]),
    }[path.stem]
    assert expected[0] in printed
    assert sorted(file.name for file in tmp_path.glob("*.png")) == expected[1]
    cells = path.read_text().split("# %%")
    assert len(cells) > 5
