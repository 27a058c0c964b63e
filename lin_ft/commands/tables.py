"""Tables on the terminal. What stands in their cells comes from users and files: it is text, never markup."""

from collections.abc import Sequence
from typing import Any

LEAST = 8
"""Characters that a column keeps whose text is folded."""


def console() -> Any:
    """On standard output; what it prints is text, never markup."""
    from rich.console import Console

    return Console(markup=False, emoji=False, highlight=False)


def print_table(title: str, rows: Sequence[dict], whole: Sequence[str] = ()) -> None:
    """`whole` columns, by default the first, are never cut or folded, however narrow the terminal: others give way."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    least = 2
    for column in rows[0]:
        widest = max(Text(text).cell_len for text in (column, *(_shown(row[column]) for row in rows)))
        width = widest if column in (whole or tuple(rows[0])[:1]) else min(widest, LEAST)
        least += width + 3
        table.add_column(Text(column), overflow="fold", min_width=width, no_wrap=width == widest)
    for row in rows:
        table.add_row(*(Text(_shown(value)) for value in row.values()))
    Console(width=max(least, Console().width)).print(table)


def print_fields(fields: dict) -> None:
    """Print names and values, one a line; sequences with commas between their members."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, box=None)
    for name, value in fields.items():
        text = ", ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
        table.add_row(Text(name, style="bold"), Text(text))
    Console().print(table)


def _shown(value: Any) -> str:
    return "" if value is None else str(value)
