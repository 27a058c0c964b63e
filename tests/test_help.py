"""The help of every command: it fits the terminal, lines break where the terminal's do, every option says something."""

import contextlib
import dataclasses
import importlib
import io
import itertools
import re
import typing

import pytest

from lin_ft.cli import COMMANDS, main
from lin_ft.commands.help import with_help

WIDTH = 80


def lines_of(words):
    """What `lin-ft WORDS --help` prints, without colours and boxes."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), pytest.raises(SystemExit) as end:
        main([*words, "--help"])
    assert end.value.code == 0
    plain = re.sub(r"\x1b\[[0-9;]*m", "", printed.getvalue())
    return [re.sub(r"^[│╭╰]|[│╮╯]$", " ", line).rstrip() for line in plain.splitlines()]


def below(words=()):
    """Every command under these words, and itself."""
    lines = lines_of(words)
    yield " ".join(words), lines
    if any(line.strip(" ─") == "subcommands" for line in lines):
        for line in lines:
            if found := re.match(r" +• (\S+)", line):
                yield from below((*words, found[1]))


@pytest.fixture(scope="module")
def helps():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(WIDTH))
        return dict(below())


def test_every_command_is_found(helps):
    assert {"", "rank", "zoo add", "bench run", "cache clear", "doctor"} <= set(helps)


def test_no_line_is_wider_than_the_terminal(helps):
    """The usage line aside, which the terminal breaks."""
    wide = [f"{name}: {line}" for name, lines in helps.items() for line in lines[1:] if len(line) > WIDTH]
    assert not wide


def test_lines_break_only_where_the_next_word_has_no_room(helps):
    early = []
    for name, lines in helps.items():
        for line, following in itertools.pairwise(lines):
            indent = len(following) - len(following.lstrip())
            same_cell = indent >= 8 and line[indent - 2 : indent].isspace() and line[indent : indent + 1].strip()
            if same_cell and not following.lstrip().startswith(("•", "-")):
                room = WIDTH - 3 - len(line)
                if len(following.split()[0]) < room and not line[:indent].strip().startswith("--"):
                    early.append(f"{name}: {line.strip()} / {following.strip()}")
    assert not early


def kinds(command):
    """The dataclasses that a command is made of, subcommands too."""
    if isinstance(command, type) and dataclasses.is_dataclass(command):
        yield command
        parts = typing.get_type_hints(command, include_extras=True).values()
    else:
        parts = typing.get_args(command)
    for part in parts:
        yield from kinds(part)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_is(name):
    command = with_help(getattr(importlib.import_module(f"lin_ft.commands.{name}"), name.capitalize()))
    for kind in kinds(command):
        hints = typing.get_type_hints(kind)
        for field in dataclasses.fields(kind):
            nested = field.name == "action" or dataclasses.is_dataclass(hints[field.name])
            assert nested or field.metadata.get("help"), f"{kind.__name__}.{field.name}"
