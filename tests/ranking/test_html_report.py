"""The HTML report holds everything it shows, and nothing of it comes from elsewhere."""

import dataclasses
import html.parser
import re

import pytest
from tiny import light_task, random_model

from lin_ft.errors import InputError
from lin_ft.ranking import RankConfig, rank
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
    votes = [[row.details.predicted[index] for row in ranking.models] for index in range(task.n)]
    disputed = sum(len(set(column)) > 1 for column in votes)
    assert f"On {disputed} of {task.n} images" in page.text
    assert pictures == task.n + disputed, "six of each class, and those that models disagree on"


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
    assert head.count("<th><button>") == head.count("<th>") == 9
    assert "aria-sort" in text[text.rindex("<script>") :]
    body = re.search(r"\nbody {([^}]*)}", text)
    assert body is not None
    assert "max-width" not in body[1]
