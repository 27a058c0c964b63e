"""The measurement of backbones runs small and writes what it measured with command, commit, hardware and seed."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_each_method_is_measured(tmp_path):
    out = tmp_path / "backbones.json"
    small = ["--models", "squeezenet_11", "--n", "4", "--side", "48", "--batch-size", "2"]
    command = [sys.executable, "-m", "experiments.benchmarks.backbones", *small, "--out", out]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    result = json.loads(out.read_text())
    assert {"command", "commit", "hardware", "seed"} <= result.keys()
    assert [row["method"] for row in result["rows"]] == ["plain", "label_gradient", "sketch"]
    for row in result["rows"]:
        assert row["cpu_seconds"] > 0
        assert row["of_plain"] > 0
        assert row["bytes_above_weights"] > 0
