"""The HTML report holds everything it shows, and nothing of it comes from elsewhere."""

import dataclasses
import html.parser
import re

import pytest
from tiny import light_task, random_model

from lin_ft.errors import InputError
from lin_ft.ranking import RankConfig, rank
from lin_ft.report.html_mistakes import mistakes
from lin_ft.report.html_report import write_report


class Page(html.parser.HTMLParser):
    """Tags by name with their attributes, and the text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def ranked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    zoo = [random_model(folder, name, seed) for seed, name in enumerate(("<first>", "second"))]
    task = dataclasses.replace(light_task(), name="a <b> & c")
    return rank(zoo, task, RankConfig(head="zero", details=True)), task


def test_the_page_is_whole_and_needs_no_network(ranked, tmp_path):
    ranking, task = ranked
    text = write_report(ranking, task, tmp_path / "new", command="lin-ft rank --target x").read_text()
    page = Page(text)
    links = [value for _, attributes in page.tags for key, value in attributes.items() if key in ("src", "href")]
    assert all(link.startswith(("data:", "#")) for link in links)
    assert not re.search(r"url\((?!#)|@import|<script[^>]*src|<link", text)
    assert "<b> & c" in page.text, "names are shown as they are"
    for row in ranking.models:
        assert row.name in page.text
        assert f"{100 * row.predicted_accuracy:.1f}" in page.text
    assert "lin-ft rank --target x" in page.text
    assert "jax" in page.text
    assert sum(tag == "svg" for tag, _ in page.tags) == 4
    pictures = sum(tag == "img" for tag, _ in page.tags)
    wrong = [
        sum(row.details.predicted[index] != task.train.labels[index] for row in ranking.models)
        for index in range(task.n)
    ]
    hard = sum(count == 2 for count in wrong)
    assert ("Images that most models get wrong" in page.text) == (hard > 0)
    assert pictures == task.n + hard, "those of the contact sheet, and those that both models get wrong"
    assert f"{round(task.n - sum(ranking.models[0].correct))} of {task.n} wrong" in page.text
    assert "disagree" not in page.text


def test_mistakes_are_counted_by_pairs_of_classes(ranked):
    ranking, task = ranked
    labels, n_classes = task.train.labels, task.n_classes

    def with_votes(row, votes):
        return dataclasses.replace(row, details=dataclasses.replace(row.details, predicted=tuple(votes)))

    off = ((labels + 1) % n_classes).tolist()
    one_off = [int((labels[0] + 1) % n_classes), *labels[1:].tolist()]
    rows = tuple(with_votes(row, votes) for row, votes in zip(ranking.models, (off, one_off), strict=True))
    page = Page("".join(mistakes(dataclasses.replace(ranking, models=rows), task)))
    assert f"{task.n} of {task.n} wrong" in page.text
    count = int((labels == 0).sum())
    assert f"{task.class_names[0]}{task.class_names[1 % n_classes]}{count} of {count}" in page.text
    assert "1 of 10 images." in page.text.replace(f"1 of {task.n} images.", "1 of 10 images.")
    assert "2 of 2 models are wrong, most often by" in page.text
    right = tuple(with_votes(row, labels.tolist()) for row in ranking.models)
    page = Page("".join(mistakes(dataclasses.replace(ranking, models=right), task)))
    assert f"0 of {task.n} wrong" in page.text
    assert "Images that most" not in page.text


def test_by_gain_the_page_shows_the_table_of_the_terminal(tmp_path):
    zoo = [random_model(tmp_path, name, seed) for seed, name in enumerate(("first", "second"))]
    task = light_task()
    ranking = rank(zoo, task, RankConfig(reference="first", probes=1, details=True, curve=True))
    assert ranking.score == "gain"
    page = Page(write_report(ranking, task, tmp_path / "page").read_text())
    assert ranking.advice in page.text
    for column in ranking.table().columns:
        for cell in column.cells:
            assert cell.strip() in page.text
    assert sum(tag == "svg" for tag, _ in page.tags) == 5
    assert "How many images?" in page.text
    assert "90 % interval; the darker" in page.text


def test_details_belong_to_the_prediction(ranked):
    ranking, task = ranked
    for row in ranking.models:
        right = [float(a == b) for a, b in zip(row.details.predicted, task.train.labels, strict=True)]
        assert sum(right) == pytest.approx(sum(row.correct), abs=1)
        assert row.predicted_accuracy == pytest.approx(max(row.details.accuracies), abs=0.2)
        assert "details" not in ranking.as_dict()["models"][0]


def test_a_folder_that_cannot_be_written_is_one_sentence(ranked, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        write_report(*ranked, tmp_path / "file" / "report")


def test_tables_sort_and_the_page_takes_its_whole_width(ranked, tmp_path):
    """Every head is a button, and the script is there."""
    ranking, task = ranked
    text = write_report(ranking, task, tmp_path / "new").read_text()
    head = text[text.index("<thead>") : text.index("</thead>")]
    assert head.count("<th><button>") == head.count("<th>") == 8
    assert "aria-sort" in text[text.rindex("<script>") :]
    body = re.search(r"\nbody {([^}]*)}", text)
    assert body is not None
    assert "max-width" not in body[1]
