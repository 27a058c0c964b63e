"""Every ablation runs at small size, goes on where it stopped, and writes table and picture."""

import importlib
import json

import numpy as np
import pytest
from small_zoo import NAMES, TASKS, small_tasks, small_truth, small_zoo

from experiments.common import ablation
from experiments.make_figures import modules
from lin_ft.errors import InputError

ABLATIONS = modules("ablations")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = small_tasks(tmp_path_factory.mktemp("ablations"))
    small_truth(folder / "truth.parquet")
    (folder / "zoo").mkdir()
    return folder


@pytest.fixture
def options(place, tmp_path, monkeypatch):
    small_zoo(place / "zoo", monkeypatch)
    monkeypatch.setenv("LIN_FT_CACHE", str(place / "cache"))
    keywords = {"truth": place / "truth.parquet", "zoo": str(place / "zoo"), "shots": 4, "out": tmp_path / "out"}
    return ablation.Options(**keywords, kernels=place / "kernels")


@pytest.mark.parametrize("name", ABLATIONS)
def test_it_runs(name, options):
    module, name = importlib.import_module(f"experiments.{name}"), name.removeprefix("ablations.")
    if hasattr(module, "main"):
        module.main(options)
    else:
        ablation.run(name, "a title", module.variants, options)
    values = json.loads((options.out / f"ablation_{name}.json").read_text())["values"]
    assert len(values) == len(NAMES) * len(TASKS)
    assert all(np.isfinite(list(row.values())).all() and len(row) > 1 for row in values.values())
    assert "Spearman" in (options.out / f"ablation_{name}.md").read_text()
    assert {path.suffix for path in options.out.iterdir()} == {".json", ".md", ".png", ".pdf"}


def test_finished_pairs_are_not_done_again_and_a_perfect_variant_has_spearman_1(options):
    asked = []

    def variants(pair):
        asked.append(pair.model.name)
        return {"perfect": float(NAMES.index(pair.model.name)), "inverse": -float(NAMES.index(pair.model.name))}

    rows = ablation.run("own", "t", variants, options)
    assert len(asked) == 8
    means = {row.score: row.mean for row in rows if row.statistic == "spearman"}
    assert (means["perfect"], means["inverse"]) == (1, -1)
    assert "best on average on the other tasks (static)" in means, "a baseline stands beside the variants"
    path = options.out / "ablation_own.json"
    stored = json.loads(path.read_text())
    del stored["values"]["spots 0 third"]
    now, stored["made"]["commit"] = stored["made"]["commit"], "earlier"
    path.write_text(json.dumps(stored))
    ablation.run("own", "t", variants, options)
    assert asked[8:] == ["third"]
    assert json.loads(path.read_text())["made"]["commit"] == f"earlier, {now}"


def test_no_truth_is_one_sentence(options):
    with pytest.raises(InputError, match="no fine-tuned accuracy at 5 shots"):
        ablation.truth(options.truth, 5)
