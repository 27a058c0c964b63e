"""The measurement of a training step runs small; both ways give one gradient."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_both_ways_are_measured(tmp_path):
    out = tmp_path / "step.json"
    small = ["--batch-size", "2", "--side", "8", "--repeats", "1", "--steps", "1", "--out", out]
    subprocess.run(
        [sys.executable, "-m", "experiments.benchmarks.training_step", *small],
        check=True,
        capture_output=True,
        cwd=ROOT,
    )
    result = json.loads(out.read_text())
    assert {"command", "commit", "device", "seed"} <= result.keys()
    assert all(seconds > 0 for seconds in result["seconds"].values())
    assert result["seconds"].keys() == {"one program", "two programs"}
    assert result["largest_relative_difference"] < 1e-3
