"""The benchmark against published algorithms at a small size: values equal, everything written."""

import json
import sys

import pytest

from experiments.benchmarks import published_scores


def test_values_are_those_of_the_published_algorithms(tmp_path, monkeypatch, capsys):
    arguments = ["--n", "160", "--d", "90", "--classes", "4", "--rounds", "1"]
    monkeypatch.setattr(sys, "argv", ["published_scores", *arguments, "--json", str(tmp_path / "result.json")])
    published_scores.main()
    table = json.loads((tmp_path / "result.json").read_text())["scores"]
    assert table.keys() == published_scores.RIVALS.keys()
    for name, row in table.items():
        assert row["value"] == pytest.approx(row["published"], rel=1e-6), name
    assert "as fast as published" in capsys.readouterr().out
