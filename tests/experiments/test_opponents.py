"""The comparison with other kernels: at small size through its own entry point, and what it says of its rows."""

import json
from importlib.util import find_spec

import numpy as np
import pytest

from experiments.benchmarks import opponents


@pytest.mark.skipif(find_spec("neural_tangents") is None, reason="neural-tangents is not installed")
def test_small(tmp_path, capsys):
    out = tmp_path / "opponents.json"
    config = opponents.Config(n=(3,), outputs=("trace",), n_classes=2, rounds=1, torch=False, out=out)
    opponents.main(config)
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("trace n=3: ")
    assert last.endswith(" %")
    assert "full: not measured; floor " in last
    rows = json.loads(out.read_text())["rows"]
    assert [row["method"] for row in rows] == [
        "lin_ft", "neural-tangents, jacobian contraction", "neural-tangents, ntk vector products",
    ]  # fmt: skip
    assert all(row["cpu_seconds"] > 0 and np.shape(row["corner"]) == (3, 3) for row in rows)


def row(method, seconds, peak, **more):
    return {"n": 9, "output": "trace", "method": method, "cpu_seconds": seconds, "peak_bytes": peak, **more}


def test_the_fastest_way_of_the_opponent_counts():
    rows = [
        row("lin_ft", 2.0, 10, floor_cpu_seconds=1.0),
        row("neural-tangents, jacobian contraction", 12.0, 5),
        row("neural-tangents elsewhere, jacobian contraction", 8.0, 20),
        row("torch.func", 1.0, 1),
        {"n": 9, "output": "trace", "method": "neural-tangents, ntk vector products", "failed": "no"},
    ]
    assert opponents.compared(rows, 9, "trace") == (4.0, 0.5, 0.5)
    assert opponents.last_line(rows, 9) == "trace n=9: 4.0 x faster, 0.50 of its memory; full: not measured; floor 50 %"


def test_another_kernel_is_an_error():
    rows = [row(name, 1.0, 1, corner=[[value]], size=10.0) for name, value in (("lin_ft", 5.0), ("other", 5.1))]
    with pytest.raises(RuntimeError, match=r"other gives another kernel than lin_ft: off by 1\.0e-02"):
        opponents.check(rows)
