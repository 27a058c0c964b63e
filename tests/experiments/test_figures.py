"""Every figure and table comes out of a table of results, nothing computed but statistics."""

import json
import shutil
from pathlib import Path

import pytest
from small_zoo import NAMES, TASKS, small_truth

from experiments import make_figures as figures
from lin_ft.errors import InputError
from lin_ft.ranking import RankedModel, Ranking, ranking_from_dict
from lin_ft.scores import Scored

ROOT = Path(__file__).parents[2]
FIGURES = figures.modules("figures")


@pytest.fixture
def of_table(tmp_path):
    """A Parquet table of two seeds and two numbers of shots."""
    import polars

    rows = []
    for shots in (4, 0):
        for seed in (0, 1):
            for t, task in enumerate((*TASKS, "third")):
                for m, model in enumerate(NAMES):
                    accuracy = 0.5 + m / 10 + (seed - t * m) / 100
                    rows.append(
                        {
                            "model": model, "task": task, "shots": shots, "seed": seed, "test_accuracy": accuracy,
                            "architecture": "small", "n_params": 300, "source_test_accuracy": 0.5, "source": model,
                            "score/predicted_accuracy/zero": accuracy - 0.1, "score/logme": -float(m),
                            "finetune_seconds": 10.0, "scores_seconds": 1.0, "test_accuracy/0.01": accuracy,
                        }
                    )  # fmt: skip
    path = tmp_path / "table.parquet"
    polars.DataFrame(rows).write_parquet(path)
    return path


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_comes_from_a_table(name, of_table, tmp_path):
    before = (ROOT / "README.md").read_text()
    command = figures.Figures(of_table, tmp_path, only=(name,), reference="second", shots=4, repeats=5)
    command.run()
    assert (ROOT / "README.md").read_text() == before, "the README is of the committed results"
    written = sorted((tmp_path / "figures").iterdir())
    stem = name.removeprefix("figures.")
    assert {path.stem for path in written} == {stem}
    assert {path.suffix for path in written} in ({".png", ".pdf"}, {".md"}, {".png", ".pdf", ".md"})
    assert all(path.stat().st_size > (4000 if path.suffix != ".md" else 50) for path in written)


def test_cells_of_verify_ranking_serve_before_the_matrix_is_run(tmp_path, capsys):
    small_truth(tmp_path / "verify")
    (tmp_path / "verify" / "spots-0-first.json").unlink()  # of spots one model is missing: it is left out
    figures.Figures(tmp_path / "verify", tmp_path, only=("figures.gain_by_task", "figures.shots", "figures.ceiling"),
                    reference="second", shots=4, repeats=5).run()  # fmt: skip
    printed = capsys.readouterr().out
    assert "figures.shots: left out, the table has 4 images a class only." in printed
    assert "figures.ceiling: left out, a noise ceiling needs two seeds." in printed
    lines = (tmp_path / "figures" / "gain_by_task.md").read_text().splitlines()
    assert lines[0] == "| score | stripes | mean |"
    assert "| best | 20.0 | 20.0 |" in lines
    assert "| worst | -10.0 | -10.0 |" in lines


def test_the_readme_gets_its_table_again_and_keeps_the_rest(tmp_path):
    small_truth(tmp_path / "verify")
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- verify_ranking -->\nold\n<!-- /verify_ranking -->\nafter\n")
    command = figures.Figures(results=tmp_path, readme=readme, only=("verify_ranking",))
    command.run()
    text = readme.read_text()
    assert text.startswith("before\n<!-- verify_ranking -->\nPredicted / measured")
    assert text.endswith("<!-- /verify_ranking -->\nafter\n")
    assert "old" not in text
    command.run()
    assert readme.read_text() == text
    assert figures.between("no marks", "verify_ranking", "x") == "no marks"


def test_the_table_of_packaged_models_in_the_readme_is_the_committed_one(tmp_path):
    shutil.copytree(ROOT / "experiments" / "results" / "packaged", tmp_path / "packaged")
    readme = tmp_path / "README.md"
    shutil.copy(ROOT / "README.md", readme)
    figures.Figures(results=tmp_path, readme=readme, only=("verify_packaged",)).run()
    assert readme.read_text() == (ROOT / "README.md").read_text()
    assert "<!-- verify_packaged -->" in readme.read_text()


def test_pictures_of_docs_are_drawn_from_the_json_of_a_ranking(tmp_path):
    rows = tuple(
        RankedModel(
            name, name, place + 1, 0.9 - place / 10, (0.5, 0.95), 0.1, 0.0, 0.3, 0.1 * place, 0.2, 1.0,
            scores={"logme": Scored(float(place)), "leep": Scored(None, reason="no head")},
        )
        for place, name in enumerate(NAMES)
    )  # fmt: skip
    ranking = Ranking("t", 8, 2, "second", "predicted_accuracy", rows)
    again = ranking_from_dict(json.loads(json.dumps(ranking.as_dict())))
    assert again == ranking
    ranking.save_json(tmp_path / "ranking-t.json")
    figures.Figures(docs=tmp_path, only=("docs",)).run()
    assert (tmp_path / "ranking-t.png").stat().st_size > 5000
    assert (tmp_path / "agreement-t.png").stat().st_size > 5000
    with pytest.raises(InputError, match="Not the JSON of a ranking"):
        ranking_from_dict({"models": [{}]})


def test_ablations_that_were_run_are_reported_and_unknown_names_refused(tmp_path, capsys):
    small_truth(tmp_path / "verify")
    values = {f"{task} 0 {name}": {"a": 1.0 * m, "b": -1.0 * m} for task in TASKS for m, name in enumerate(NAMES)}
    (tmp_path / "ablation_head.json").write_text(json.dumps({"title": "heads", "values": values}))
    figures.Figures(results=tmp_path, only=("ablations.head", "ablations.kernel"), shots=4, repeats=3).run()
    assert "ablations.kernel: left out, it has not been run" in capsys.readouterr().out
    assert "| a | 1.00" in (tmp_path / "ablation_head.md").read_text()
    with pytest.raises(SystemExit, match="no such; there are"):
        figures.Figures(only=("such",)).run()


def test_the_committed_results_make_every_figure_that_needs_no_more(tmp_path):
    shutil.copytree(ROOT / "experiments" / "results" / "verify", tmp_path / "verify")
    figures.Figures(tmp_path / "verify", tmp_path, only=("figures.gain", "figures.cost"), repeats=3).run()
    assert (tmp_path / "figures" / "gain.png").exists()
