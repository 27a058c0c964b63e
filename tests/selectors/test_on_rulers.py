"""The script on small tables of the same form; every number can be worked out by hand."""

import csv
import importlib
import json
from pathlib import Path

import numpy as np
import pytest

from lin_ft.errors import InputError

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
TASKS = ("one", "two", "three", "four")


@pytest.fixture
def script():
    return importlib.import_module("experiments.rulers")


def write(path, header, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


@pytest.fixture
def folder(tmp_path):
    """Accuracies that rise with the model; every published score is the accuracy (sources) or minus it (networks)."""
    place = tmp_path / "rulers"
    models = {"dataset": ("imagenet", "one", "b", "c"), "model": ("densenet", "vgg", "d", "e", "f")}
    for kind, names in models.items():
        values = {m: [0.5 + i / 10 + t / 100 for t in range(4)] for i, m in enumerate(names)}
        rows = [[m, *("" if m == task else v for task, v in zip(TASKS, values[m], strict=True)), 0.9] for m in names]
        kept = "source" if kind == "dataset" else "architecture"
        header = ["source", *TASKS, *(["chestmnist"] if kind == "dataset" else [])]
        write(place / f"medmnist_{kept}_test_acc.csv", header, [row[: len(header)] for row in rows])
        sign = 1 if kind == "dataset" else -1
        for short in ("fu", "leep", "logme", "lp", "ncti", "nleep", "parc", "sfda"):
            scored = [[i, m, *(sign * v for v in values[m])] for i, m in enumerate(names)]
            write(place / "medmnist_scores" / f"{short}_{kind}.csv", ["", "source", *TASKS], scored[::-1])
    runs = []
    for i, us in enumerate(("p", "q", "r", "s")):
        for t, ds in enumerate(TASKS):
            for setting in (0, 20):  # the better of two settings counts
                accuracies = [30 + 10 * i + t + k - setting for k in range(5)]
                accuracies[3] = "" if ds == "four" else accuracies[3]
                runs.append(["CLIP", "RN50", us, ds, *accuracies])
    runs.append(["SimCLR", "RN50", "p", "one", 99, 99, 99, 99, 99])
    runs.append(["CLIP", "RN50", "lonely", "one", 99, 99, 99, 99, 99])
    write(place / "entezari_fewshot_runs.csv", ["loss", "arch", "us", "ds", "1", "5", "10", "20", "full"], runs)
    networks = ("densenet201", "inception_v3", "resnet50")
    rows = [
        [f"{a}_{s}", a, s, *(50 + i + 5 * s + t for t in range(4))] for i, a in enumerate(networks) for s in range(3)
    ]
    write(place / "model_spider_66x7.csv", ["", "architecture", "source", *TASKS], rows)
    return place


def test_every_table_is_read_and_judged(script, folder, tmp_path, capsys):
    script.Rulers(folder, tmp_path).run()
    values = json.loads((tmp_path / "rulers.json").read_text())
    assert list(values) == list(script.TABLES)
    spearman = {name: {s: row["spearman"]["mean"] for s, row in v["scores"].items()} for name, v in values.items()}
    assert spearman["medmnist_sources"]["linear_probe"] == 1
    assert spearman["medmnist_architectures"]["logme"] == -1
    assert spearman["few_shots_10"]["accuracy at 5 images a class"] == 1
    assert set(values["few_shots_20"]["scores"]["random"]["regret_1"]["per_task"]) == {"one", "two", "three"}
    spider = values["spider"]["scores"]["best on average on the other tasks (static)"]
    assert spider["same_architecture"]["mean"] == spider["across_architectures"]["mean"] == 1
    text = (tmp_path / "rulers.md").read_text()
    assert text.strip() == capsys.readouterr().out.strip()
    assert "8 of 8 published scores order the models better than chance" in text
    assert "0 of 8 published scores order the models better than chance" in text
    assert "DovileDo/transferability-in-medical-imaging at 7e308c4" in text


def test_a_source_has_no_entry_on_its_own_target(script, folder):
    ruler = script.medmnist_sources(folder)
    assert "chestmnist" not in ruler.results.tasks
    place = ruler.results.tasks.index("one"), ruler.results.models.index("one")
    assert np.isnan(ruler.results.accuracy[0][place])
    assert np.isnan(ruler.scores["logme"][0][place])
    assert np.isfinite(ruler.results.accuracy).sum() == 4 * 4 - 1


def test_of_the_settings_of_a_pair_the_best_counts(script, folder):
    """And runs of another loss, or of a source without all targets, do not."""
    grid = script.entezari(folder)["10"]
    assert grid.models == ("p", "q", "r", "s")
    place = grid.tasks.index("one")
    np.testing.assert_allclose(grid.values[place], [0.32, 0.42, 0.52, 0.62])


def test_a_folder_or_file_that_is_not_there_is_named(script, folder, tmp_path):
    with pytest.raises(InputError, match="is no folder"):
        script.Rulers(tmp_path / "none", tmp_path).run()
    (folder / "medmnist_scores" / "logme_model.csv").unlink()
    with pytest.raises(InputError, match=r"logme_model.csv is not there"):
        script.medmnist_architectures(folder)


def test_the_committed_page_is_of_these_tables():
    values = json.loads((EXPERIMENTS / "results" / "rulers.json").read_text())
    sources, architectures = (values[name]["scores"] for name in ("medmnist_sources", "medmnist_architectures"))
    assert sources["linear_probe"]["spearman"]["mean"] == pytest.approx(0.50, abs=0.005)
    assert architectures["logme"]["spearman"]["mean"] == pytest.approx(-0.15, abs=0.005)
