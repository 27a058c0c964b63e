"""Learned rankers on the core matrix, embeddings drawn at random."""

import importlib
import json

import numpy as np
import pytest


@pytest.fixture
def script():
    return importlib.import_module("experiments.selectors_on_zoo")


def test_the_script_ranks_every_target_of_the_matrix(script, tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    monkeypatch.setattr(script, "embeddings", lambda names, shots: rng.normal(size=(len(names), 4)))
    script.Selectors(out=tmp_path).run()
    rows = json.loads((tmp_path / "zoo_selectors.json").read_text())["scores"]
    learned = [name for name in rows if name.startswith("learned")]
    assert len(learned) == 3
    assert {"nearest_neighbours", "linear_probe", "fine-tuned on another draw"} <= rows.keys()
    text = (tmp_path / "zoo_selectors.md").read_text()
    assert text.strip() == capsys.readouterr().out.strip()
    core = script.measured(script.CORE, 10)
    assert len(core.results.models) == 8
    assert f"8 models, {len(core.results.tasks)} tasks" in text
    assert len(rows["linear_probe"]["spearman"]["per_task"]) == len(core.results.tasks)
