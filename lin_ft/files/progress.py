"""Progress on the terminal (standard error), silent where there is none."""

import contextlib
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def bar(
    title: str, total: int | None, *, size: bool = False, left: bool = False, first: int = 0, shown: bool = True
) -> Iterator[Callable[..., None]]:
    """A rich progress bar; call what it yields with the amount done so far (bytes when `size`).

    And with another title, where what is being done has changed.

    Args:
        title: What is being done.
        total: The amount in all; None where it is not known.
        size: The amount is in bytes.
        left: Show the time left and not the amount and the time spent.
        first: Done already.
        shown: False: no bar, whatever the terminal.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    amount = DownloadColumn() if size else MofNCompleteColumn()
    figures = (TimeRemainingColumn(),) if left else (amount, TimeElapsedColumn())
    columns = (TextColumn("{task.description}"), BarColumn(), *figures)
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not (shown and console.is_terminal)) as progress:
        task = progress.add_task(escape(title), total=total, completed=first)

        def show(done: int | float, title: str | None = None) -> None:
            described = None if title is None else escape(title)
            progress.update(task, completed=done if total is None else min(done, total), description=described)

        yield show
