"""Every figure and table comes out of a table of results, nothing computed but statistics."""

import json
import re
import shutil
from pathlib import Path

import pytest
from small_zoo import NAMES, TASKS, small_truth

from experiments import make_figures as figures
from experiments import results_pages
from experiments.common import figure
from experiments.common.figure import NoData
from experiments.figures import predicted_measured, scores
from lin_ft.errors import InputError
from lin_ft.ranking import RankedModel, Ranking, ranking_from_dict
from lin_ft.scores import Scored

ROOT = Path(__file__).parents[2]
FIGURES = figures.modules("figures")


@pytest.fixture
def of_table(tmp_path):
    """A Parquet table of two seeds and two numbers of shots."""
    return small_truth(tmp_path / "table.parquet", seeds=(0, 1), shots=(4, 0), tasks=(*TASKS, "third"))


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_comes_from_a_table(name, of_table, tmp_path):
    before = (ROOT / "README.md").read_text()
    command = figures.Figures(of_table, tmp_path, only=(name,), reference="second", shots=4)
    command.run()
    assert (ROOT / "README.md").read_text() == before, "the README is of the committed results"
    written = sorted((tmp_path / "figures").iterdir())
    stem = name.removeprefix("figures.")
    assert {path.stem for path in written} == {stem}
    assert {path.suffix for path in written} in ({".png", ".pdf"}, {".md"}, {".png", ".pdf", ".md"})
    assert all(path.stat().st_size > (4000 if path.suffix != ".md" else 50) for path in written)


def test_the_table_of_gains_is_against_the_other_draw(of_table, tmp_path):
    figures.Figures(of_table, tmp_path, only=("figures.gain_by_task",), reference="second", shots=4).run()
    lines = (tmp_path / "figures" / "gain_by_task.md").read_text().splitlines()
    assert lines[0] == "| score | spots | stripes | third | mean |"
    assert lines[2].startswith("| best |")
    assert lines[-1].startswith("| worst |")


def test_the_readme_table_has_at_most_twelve_rows_with_the_baselines(tmp_path):
    """Of the committed matrix."""
    scores.draw(figure.Options(out=tmp_path))
    lines = (tmp_path / "scores.md").read_text().splitlines()
    rows = [line for line in lines if line.startswith("|")][2:]
    assert len(rows) == 12
    always = "k nearest neighbours", "linear probe", "best on average", "most parameters", "another draw", "random"
    for name in always:
        assert sum(name in row for row in rows) == 1, name
    assert "95 % bootstrap intervals over tasks" in lines[0]


def test_predicted_and_measured_accuracies_are_means_over_draws_of_the_models_and_tasks_named(of_table, tmp_path):
    options = figure.Options(of_table, tmp_path, reference="second", shots=4)
    predicted_measured.Table(**vars(options), models=("fourth", "first"), tasks=("spots",)).write()
    lines = (tmp_path / "predicted_measured.md").read_text().splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert table == [
        "| model | spots |",
        "| --- | ---: |",
        "| fourth | 68 / **77.5** |",
        "| first | 40 / 50.5 |",
    ]
    assert "2 draws" in lines[0]


def test_a_model_or_task_that_the_table_lacks_is_named(of_table, tmp_path):
    options = figure.Options(of_table, tmp_path, reference="second", shots=4)
    with pytest.raises(NoData, match="no fifth, stars in it"):
        predicted_measured.Table(**vars(options), models=("first", "fifth"), tasks=("spots", "stars")).write()


def test_the_readme_gets_its_table_again_and_keeps_the_rest(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- zoo -->\nold\n<!-- /zoo -->\nafter\n")
    command = figures.Figures(results=tmp_path, readme=readme, only=("figures.zoo",))
    command.run()
    text = readme.read_text()
    assert text.startswith("before\n<!-- zoo -->\n| model | domain |")
    assert text.endswith("<!-- /zoo -->\nafter\n")
    assert "old" not in text
    command.run()
    assert readme.read_text() == text
    assert figures.between("no marks", "zoo", "x") == "no marks"


def test_pages_of_results_name_what_is_missing(of_table, tmp_path, capsys, monkeypatch):
    """A matrix of two numbers of shots, whose configuration asks for more, becomes pages with an index."""
    (tmp_path / "core").mkdir()
    shutil.copy(of_table, tmp_path / "core" / "table.parquet")
    (tmp_path / "rulers.md").write_text("# Rulers\n\ntext\n")
    config = (
        "from lin_ft.benchmark.config import BenchConfig\n"
        f"config = BenchConfig(name='core', tasks={(*TASKS, 'third', 'fourth')!r}, shots=(4, 0), seeds=(0, 1, 2),"
        " reference='second')\n"
    )
    (tmp_path / "bench_core.py").write_text(config)
    monkeypatch.setattr(results_pages, "CONFIGS", tmp_path)
    other = "from lin_ft.benchmark.config import BenchConfig\nconfig = BenchConfig('other', ('x',), seeds=(0,))\n"
    (tmp_path / "bench_other.py").write_text(other)
    monkeypatch.setattr(results_pages, "PLANNED", ("core", "other"))
    results_pages.Pages(tmp_path, tmp_path / "pages").run()
    index = (tmp_path / "pages" / "index.md").read_text()
    assert "| core | 4 | 4 | 3 | 2 | 24 | 2 | 24 |" in index, "of 3 draws x 4 tasks x 4 models half is there"
    missing = "core at 4 images a class, 1 of 3 draws; core at all training images, 1 of 3 draws;"
    assert f"Planned and not there yet: {missing} other at 10 images a class, 1 of 1 draws." in index
    pages = {path.stem for path in (tmp_path / "pages").glob("*.md")} - {"index"}
    assert {"zoo", "ruler", "next_draw", "order_shots", "images", "rulers"} <= pages
    assert set(index.split(":hidden:")[1].split()) - {"```"} == pages
    for path in (tmp_path / "pages").glob("*.md"):
        for link in re.findall(r"\]\(([^)]+)\)", path.read_text()):
            assert (tmp_path / "pages" / link).exists(), link
    assert "[Rulers](rulers.md)" in index


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
    truth = small_truth(tmp_path / "truth.parquet")
    values = {f"{task} 0 {name}": {"a": 1.0 * m, "b": -1.0 * m} for task in TASKS for m, name in enumerate(NAMES)}
    (tmp_path / "ablation_head.json").write_text(json.dumps({"title": "heads", "values": values}))
    only = ("ablations.head", "ablations.kernel")
    figures.Figures(truth, results=tmp_path, only=only, shots=4).run()
    assert "ablations.kernel: left out, it has not been run" in capsys.readouterr().out
    assert "| a | 1.00" in (tmp_path / "ablation_head.md").read_text()
    with pytest.raises(SystemExit, match="no such; there are"):
        figures.Figures(only=("such",)).run()


def test_a_missing_table_is_said_and_nothing_else_is_lost(tmp_path, capsys):
    figures.Figures(tmp_path / "none.parquet", tmp_path, only=("figures.accuracy", "figures.zoo")).run()
    printed = capsys.readouterr().out
    assert "figures.accuracy: left out" in printed
    assert (tmp_path / "figures" / "zoo.md").exists()
