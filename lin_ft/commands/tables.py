"""Tables on the terminal."""

from collections.abc import Sequence


def print_table(title: str, rows: Sequence[dict], whole: Sequence[str] = ()) -> None:
    """`whole` columns, by default the first, are never folded."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for column in rows[0]:
        table.add_column(column, overflow="fold", no_wrap=column in (whole or tuple(rows[0])[:1]))
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console().print(table)


def print_fields(fields: dict) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, box=None)
    for name, value in fields.items():
        text = ", ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value)
        table.add_row(f"[bold]{name}[/bold]", text)
    Console().print(table)
