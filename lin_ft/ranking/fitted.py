"""A table whose names are whole in every terminal: where it is narrow, other columns are left out, and named."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any


@dataclasses.dataclass(frozen=True)
class Column:
    """Texts are shown as they are, never as markup. Of the columns with a `weight`, those of the least go first."""

    head: str
    cells: Sequence[str]
    weight: int = 0
    """0: never left out; too long for the terminal, its texts go on in the next line."""
    left: bool = False


@dataclasses.dataclass(frozen=True)
class Fitted:
    """Columns as a rich table, as wide as the terminal allows; `rich.print` and every console show it."""

    title: str
    columns: Sequence[Column]
    note: str = ""
    elsewhere: str = ""
    """Where the columns that are left out can be seen."""

    @property
    def row_count(self) -> int:
        """Number of rows, the head not counted."""
        return len(self.columns[0].cells)

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        from rich.measure import Measurement

        shown, endless = list(self.columns), options.update_width(10_000)  # a measurement is cut at the width
        while True:
            table = self._table(shown)
            least = min((column for column in shown if column.weight), key=lambda each: each.weight, default=None)
            if Measurement.get(console, endless, table).minimum <= options.max_width:
                break
            if least is None:
                table = self._table(shown, fold=True)
                break
            shown.remove(least)
        yield table

    def _repr_html_(self) -> str:
        """The whole table, for notebooks."""
        from html import escape

        align = ["left" if column.left else "right" for column in self.columns]
        heads = "".join(
            f'<th style="text-align:{side}">{escape(" ".join(column.head.replace(f"-{chr(10)}", "-").split()))}</th>'
            for side, column in zip(align, self.columns, strict=True)
        )
        body = "".join(
            "<tr>"
            + "".join(
                f'<td style="text-align:{side};white-space:nowrap">{escape(cell.strip())}</td>'
                for side, cell in zip(align, cells, strict=True)
            )
            + "</tr>"
            for cells in zip(*(column.cells for column in self.columns), strict=True)
        )
        note = f"<p>{escape(self.note)}</p>" if self.note else ""
        caption = f'<caption style="text-align:left">{escape(self.title)}</caption>'
        return f"<table>{caption}<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>{note}"

    def _table(self, shown: Sequence[Column], fold: bool = False) -> Any:
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        away = [" ".join(column.head.replace("-\n", "-").split()) for column in self.columns if column not in shown]
        notes = [self.note] if self.note else []
        if away:
            notes.append(f"Too narrow for: {', '.join(away)}" + (f"; see {self.elsewhere}." if self.elsewhere else "."))
        table = Table(
            title=Text(self.title), title_justify="left", caption=Text(" ".join(notes)) if notes else None,
            caption_justify="left", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True,
        )  # fmt: skip
        for column in shown:
            texts = [line for text in (column.head, *column.cells) for line in text.split("\n")]
            table.add_column(
                Text(column.head), justify="left" if column.left else "right", overflow="fold",
                min_width=None if fold and column.left else max(map(len, texts)),
            )  # fmt: skip
        for cells in zip(*(column.cells for column in shown), strict=True):
            table.add_row(*map(Text, cells))
        return table
