"""Learned rankers on the cells of verify_ranking.py, embeddings drawn at random."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def script():
    return importlib.import_module("experiments.selectors_on_zoo")


def test_the_script_ranks_every_target_it_has_all_cells_of(script, tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    monkeypatch.setattr(script, "embeddings", lambda names, shots: rng.normal(size=(len(names), 4)))
    script.Selectors(out=tmp_path, repeats=3).run()
    rows = json.loads((tmp_path / "zoo_selectors.json").read_text())["scores"]
    assert len(rows) == 8
    text = (tmp_path / "zoo_selectors.md").read_text()
    assert text.strip() == capsys.readouterr().out.strip()
    results, scores, source_accuracy = script.measured(Path(script.__file__).parent / "results" / "verify")
    assert results.accuracy.shape == scores["Label-Feature Correlation"].shape
    assert np.isfinite(results.accuracy).all()
    assert f"{len(results.models)} models, {len(results.tasks)} targets" in text
    assert source_accuracy.min() > 0.8
