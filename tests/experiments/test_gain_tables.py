"""The tables of predicted gains, from a made-up matrix whose answers are known."""

import dataclasses
import json

import numpy as np
import pytest

from experiments.gain import curve as curves
from experiments.gain import flow
from experiments.gain.matrix import read
from experiments.gain.rows import OURS, REAL, REFERENCE, judged_against, level, regret_of_the_truth, rows_of
from experiments.gain.table import table
from lin_ft.benchmark.collect import as_table, write_parquet
from lin_ft.errors import InputError
from lin_ft.finetune import FinetuneConfig
from lin_ft.gain import TERMS, Sight
from lin_ft.gain.curve import from_z, to_z

MODELS, TASKS, DRAWS = ("m0", "m1", "m2", "m3", "m4", "m5"), ("t0", "t1", "t2", "t3", "t4", "t5"), 3
CONFIG = """
from lin_ft.benchmark.config import BenchConfig
config = BenchConfig(
    name="made", zoo="embedded", models={models}, reference="m0", tasks={tasks}, shots=(10,), seeds=(0, 1, 2)
)
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Accuracy = level of the task + 4 points for each unit of evidence, and a little of each draw."""
    folder, rng = tmp_path_factory.mktemp("made"), np.random.default_rng(0)
    (folder / "config.py").write_text(CONFIG.format(models=MODELS, tasks=TASKS))
    rows, terms = [], {}
    for t, task in enumerate(TASKS):
        evidence = rng.normal(size=len(MODELS))
        evidence = (evidence - evidence.mean()) / evidence.std()
        for draw in range(DRAWS):
            if draw == 0:
                terms[f"{task}|0"] = {
                    model: dict.fromkeys(TERMS, e)
                    | {name: e for name in ("label_gradient_cka/source", "label_feature_cka/source")}
                    | {"shots_loss_features/target": -e, "shots_accuracy/target": 0.5}
                    for model, e in zip(MODELS, evidence, strict=True)
                }
            for model, e in zip(MODELS, evidence, strict=True):
                if draw == 2 and task == "t5" and model == "m3":
                    continue  # not fine-tuned yet
                accuracy = 0.4 + 0.02 * t + 0.04 * e + 0.002 * rng.normal()
                rows.append(
                    {"part": "finetune", "model": model, "task": task, "shots": 10, "seed": draw, "n_classes": 4,
                     "test_accuracy": accuracy, "architecture": "net", "family": "single"}
                )  # fmt: skip
    write_parquet(as_table(rows), folder / "table.parquet")
    (folder / "terms.json").write_text(json.dumps({"made": {}, "terms": terms}))
    return folder, rows


def read_again(folder):
    return read(folder / "config.py", folder / "table.parquet", folder / "terms.json")


def test_every_other_draw_judges_as_far_as_it_is_there(made):
    data = read_again(made[0])
    assert data.accuracy.shape == (3, 6, 6)
    assert data.complete == (0,), "the only draw that has terms"
    measured, counts = judged_against(data, 0)
    assert counts.tolist() == [2, 2, 2, 2, 2, 1]
    np.testing.assert_allclose(measured[0], data.accuracy[1:, 0].mean(0))
    np.testing.assert_allclose(measured[5], data.accuracy[1, 5])
    np.testing.assert_allclose(level(data), np.nanmean(data.accuracy, 0)[:, 0] - 50)


def test_evidence_that_says_all_predicts_all(made):
    rows = rows_of(read_again(made[0]))
    assert rows[OURS].error < 0.5 < 3 < rows[REFERENCE].error
    assert rows[OURS].spearman > 0.9
    assert rows["the same, features only"].error > rows[OURS].error
    assert rows["prior alone"].error > 2
    assert rows[REAL].error < 0.5
    text = table(read_again(made[0]), rows, level(read_again(made[0])), 0.7)
    assert "would lose 0.7 points" in text
    assert text.splitlines()[-1].startswith(
        f"gain: error {rows[OURS].error:.1f} points (none {rows[REFERENCE].error:.1f}"
    )
    assert "1 or 2 other draw(s)" in text


def test_a_choice_that_knows_the_truth_loses_what_noise_makes_of_the_best(made):
    data = read_again(made[0])
    assert regret_of_the_truth(data) < 0.2, "draws that hardly differ"
    noisy = data.accuracy + 4 * np.random.default_rng(0).normal(size=data.accuracy.shape)
    assert regret_of_the_truth(dataclasses.replace(data, accuracy=noisy)) > 0.5


def test_a_weight_that_is_expected_keeps_few_tasks_sober(made):
    data = read_again(made[0])
    sober = rows_of(data, (0.0, 1e-3))
    assert sober[OURS].error == pytest.approx(sober["prior alone"].error, abs=0.5)


def test_too_few_terms_are_one_sentence(made, tmp_path):
    (tmp_path / "terms.json").write_text(json.dumps({"terms": {}}))
    with pytest.raises(InputError, match=r"--matrix made --compute 0"):
        read(made[0] / "config.py", made[0] / "table.parquet", tmp_path / "terms.json")


def test_numbers_of_the_flow_and_their_means():
    labels, rng = np.repeat(np.arange(3), 6), np.random.default_rng(0)
    found = []
    for apart in (0.0, 3.0):
        x = rng.normal(size=(18, 6)) + apart * np.eye(6)[labels]
        sight = Sight(x, x @ x.T)
        budget = FinetuneConfig(steps=20, learning_rates=(0.01,))
        found.append(flow.numbers_of({"source": sight, "target": sight}, labels, budget))
    names = [name for name in found[0] if name.startswith("cross-entropy")]
    assert len(names) == 2
    for name in found[0]:
        assert found[1][name] > found[0][name], name
    table = flow.combined(found)
    assert table["mean of the two parts under both statistics"][1] == pytest.approx(1)
    assert flow.spearman(table[names[0]], np.array([0.1, 0.2])) == pytest.approx(1)
    text = flow.report({"a": [0.1, 0.2], "b": [0.5, 0.7]}, ["t, draw 0"])
    assert text.index("| b | 0.60 |") < text.index("| a | 0.15 |")


def curve_rows():
    rng, rows = np.random.default_rng(0), []
    for t in range(6):
        for _ in range(8):
            slope, now = rng.normal(0.5, 0.2), 0.5 + 0.05 * rng.normal()
            growth = {"0.25": -0.8, "0.5": -0.4, "2": 0.3 + 0.4 * slope, "4": 0.6 + 0.8 * slope}
            truth = {h: float(from_z(to_z(now, 4, 10_000) + g, 4)) for h, g in growth.items()} | {"1": now}
            parts = {"0.25": 0.3, "0.5": 0.35, "0.9": 0.4}
            rows.append({"task": f"t{t}", "model": "m", "shots": 8, "n_classes": 4, "slope": slope, "parts": parts,
                         "truth": truth, "growth": growth})  # fmt: skip
    return rows


def test_growth_that_follows_the_slope_is_learned():
    rows = curve_rows()
    growth = curves.fitted(rows)
    assert growth[2.0].a == pytest.approx(0.3)
    assert growth[2.0].b == pytest.approx(0.4)
    row = curves.judged(rows, 2.0)
    assert row["learned"] < 1e-3 < row["unchanged"]
    assert row["learned"] < row["power law"]


def test_fine_tuning_at_other_numbers_of_images_is_taken_up_when_the_table_holds_it(made, tmp_path):
    folder, rows = made
    options = curves.Options(table=folder / "table.parquet", config=folder / "config.py", out=tmp_path)
    growth, slopes = curves.fitted(curve_rows()), {"t0|0": dict.fromkeys(MODELS, 0.5)}
    assert curves.against_fine_tuning(options, slopes, growth) == {}
    more = [
        row | {"shots": 20, "test_accuracy": float(from_z(to_z(row["test_accuracy"], 4, 10_000) + 0.5, 4))}
        for row in rows
    ]
    write_parquet(as_table([*rows, *more]), tmp_path / "more.parquet")
    found = curves.against_fine_tuning(
        curves.Options(table=tmp_path / "more.parquet", config=folder / "config.py"), slopes, growth
    )
    assert set(found) == {2.0}
    assert found[2.0]["n"] == len(MODELS)
    assert found[2.0]["learned"] < 0.2 < found[2.0]["unchanged"]
    assert "2 n: off by" in curves.report(curve_rows(), growth, found)
    assert "Not measured" in curves.report(curve_rows(), growth, {})


def test_rows_of_the_curve_from_one_kernel():
    rng, y = np.random.default_rng(0), np.repeat(np.arange(3), 16)
    x = rng.normal(size=(48, 12)) + 1.5 * np.eye(12)[y]
    rows = curves.rows_of(x @ x.T + 1, y, "t", "m", 16)
    assert [row["shots"] for row in rows] == [4] * 4 + [2] * 4
    for row in rows:
        assert row["truth"]["0.25"] < row["truth"]["4"]
        assert row["growth"]["0.5"] <= row["growth"]["4"]
