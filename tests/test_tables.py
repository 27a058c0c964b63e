"""What users call things is shown as they wrote it, whole where it is a name, at any width of the terminal."""

import pytest

from lin_ft.commands.tables import print_fields, print_table

NAMES = (
    "[red]a[/red]",
    "photos [/] :cat:",
    "imagenet_efficientnet_lite0-long-name",
    "imagenet_efficientnet_lite1-long-name",
)


@pytest.mark.parametrize("columns", ["20", "40", "80", "200"])
def test_names_are_whole_and_are_no_markup(columns, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", columns)
    rows = [{"name": name, "domain": "words " * 12, "classes": index} for index, name in enumerate(NAMES)]
    print_table("[bold]zoo[/bold] zoo", rows, whole=("name", "classes"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].strip() == "[bold]zoo[/bold] zoo"
    for index, name in enumerate(NAMES):
        assert sum(f"{name} " in line and f" {index}" in line for line in lines) == 1


def test_fields_are_no_markup(capsys):
    print_fields({"[i]name[/i]": "[/] :cat:", "classes": ("[red]a", "b")})
    shown = capsys.readouterr().out
    assert "[i]name[/i]" in shown
    assert "[/] :cat:" in shown
    assert "[red]a, b" in shown
