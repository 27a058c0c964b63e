"""The paper's own table: its printed gains come out again, and the script runs."""

import json

import numpy as np
import pytest

from experiments.common import figure
from experiments.paper import records as paper_records
from experiments.paper import table as paper_table
from lin_ft.benchmark import spearman, within_groups
from lin_ft.benchmark.collect import matrix, read_parquet
from lin_ft.benchmark.resampling import mean


def test_all_934_errors_are_there():
    sizes = [paper_table.load(regime).accuracy.size for regime in paper_table.REGIMES]
    assert sizes == [240, 330, 300, 64]
    assert sorted(set(paper_table.load("full").groups)) == [
        "D169 from ImageNet", "D169 from scratch", "ImageNet", "R101 from ImageNet", "R101 from scratch",
    ]  # fmt: skip


def test_they_are_a_table_of_this_benchmark_too(tmp_path):
    paper_records.Records(out=tmp_path).run()
    table = read_parquet(tmp_path / "paper_errors" / "table.parquet")
    assert table.equals(read_parquet(figure.RESULTS / "paper_errors" / "table.parquet"))
    assert table.height == 934
    for family, regime, shots in (("single", "full", 0), ("single", "20shot", 20), ("multi_domain", None, 0)):
        rows = table.filter(table["family"] == family)
        expected = paper_table.load(regime or "multi_domain_full")
        results, _, _ = matrix(rows, shots, expected.reference)
        index = np.ix_(
            [results.tasks.index(t) for t in expected.tasks], [results.models.index(m) for m in expected.models]
        )
        np.testing.assert_array_equal(results.accuracy[0][index], expected.accuracy[0])


@pytest.mark.parametrize(("regime", "random", "both"), [("full", -1.58, 0.88), ("20shot", -3.2, 0.73)])
def test_figure_4_is_reproduced(regime, random, both):
    results, _ = paper_table.part(regime)
    rows = paper_table.figure_4(results, regime)
    assert len(rows) == 16
    assert all(row["agrees"] for row in rows)
    printed = [row["printed"] for row in rows if abs(row["printed"]) < 10]
    ours = [row["ours"] for row in rows if abs(row["printed"]) < 10]
    np.testing.assert_allclose(ours, printed, atol=0.051)
    assert paper_table.curve(results, paper_table.at_random(results))[:, 2].mean() == pytest.approx(random, abs=0.05)
    gains = paper_table.curve(results, paper_table.always(results, ("R101-IN", "D169-IN")))
    assert gains[:, 1].mean() == pytest.approx(both, abs=0.005)


@pytest.mark.parametrize(
    ("regime", "static", "order"), [("full", 0.785, 0.517), ("20shot", 0.649, 0.469), ("5shot", 0.55, 0.311)]
)
def test_rankings_blind_to_the_target_beat_the_published_scores(regime, static, order):
    results, scores = paper_table.part(regime)

    def over_tasks(name):
        return np.mean([spearman(scores[name][0, t], row) for t, row in enumerate(results.accuracy[0])])

    assert over_tasks(paper_table.LOTO) == pytest.approx(static, abs=0.007)
    assert over_tasks(paper_table.ORDER) == pytest.approx(order, abs=0.004)
    if regime != "5shot":
        printed = paper_table.published()
        best = max(v for (r, _, _, q), v in printed.items() if (r, q) == (regime, "spearman"))
        assert over_tasks(paper_table.LOTO) > best


def test_within_a_group_a_static_order_still_ranks():
    results, scores = paper_table.part("full")
    inside = {g: mean(v) for g, v in within_groups(spearman, results, scores[paper_table.LOTO]).items()}
    assert inside["R101 from scratch"] > 0.8 > inside["R101 from ImageNet"] > 0.3


def test_the_script_runs(tmp_path, capsys):
    paper_table.PaperTable(out=tmp_path).run()
    assert "16 of 16 printed" in capsys.readouterr().out
    values = json.loads((tmp_path / "paper_table.json").read_text())
    assert values["full"]["scores"]["random"]["spearman"]["mean"] is None
    names = {path.name for path in tmp_path.iterdir()}
    assert {"paper_table.md", "paper_table.png", "paper_table.pdf", "paper_cd_full.png", "paper_cd_20shot.pdf"} <= names
