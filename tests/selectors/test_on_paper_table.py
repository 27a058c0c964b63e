"""Selectors on the paper's table: cheap fine-tunings and past tasks add up, and the script runs."""

import importlib
import json

import pytest


@pytest.fixture
def script():
    return importlib.import_module("experiments.paper.selectors")


def test_the_script_runs_and_searching_costs_less_than_brute_force(script, tmp_path, capsys):
    script.Selectors(out=tmp_path).run()
    values = json.loads((tmp_path / "paper_selectors.json").read_text())
    spearman = {name: row["spearman"]["mean"] for name, row in values["scores"].items()}
    assert spearman["learned (ridge): and 5 shots"] > spearman["accuracy at 5 shots"]
    assert spearman["learned (ridge): and 5 and 20 shots"] > spearman["mean rank on the other tasks (static)"]
    assert values["cost"]["successive halving: static, 5 shots, 20 shots"] < 3
    assert (tmp_path / "paper_selectors.md").read_text().startswith("# Searching and learned")
