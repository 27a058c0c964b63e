"""Progress on the terminal (standard error), silent where there is none."""

import contextlib
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def bar(title: str, total: int | None, *, size: bool = False) -> Iterator[Callable[[int], None]]:
    """A rich progress bar; call what it yields with the amount done so far (bytes when `size`)."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    amount = DownloadColumn() if size else MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), amount, TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=total)

        def show(done: int) -> None:
            progress.update(task, completed=done if total is None else min(done, total))

        yield show
