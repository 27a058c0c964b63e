"""The tables of a ranking on the terminal: its rows, and its scores side by side."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lin_ft.predict import is_unbalanced
from lin_ft.scores import Scored

if TYPE_CHECKING:
    from lin_ft.ranking.result import Ranking


def ranking_table(ranking: "Ranking") -> Any:
    """A rich table of at most 80 columns; accuracies and gains in percent."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    verified = any(row.measured for row in ranking.models)
    size = f"{ranking.n} training images, {ranking.n_classes} classes"
    title = f"{ranking.task}: {size}, by {ranking.score} (* reference)"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
    heads = ["#  ", "source", "predicted\n% [95 % CI]", "\ngain"]
    unbalanced = any(row.measured and row.measured.unbalanced for row in ranking.models)
    heads += (
        ["measured\n% [95 % CI]", *["balanced\n% [95 % CI]"] * unbalanced, "\ngain"]
        if verified
        else ["loss\nfalls %", "Label-\nGradient", "Label-\nFeature", "\ns"]
    )
    lines = []
    for row in ranking.models:
        place = f"{row.rank} *" if row.name == ranking.reference else f"{row.rank}  "
        predicted = _with_interval(row.predicted_accuracy, row.predicted_accuracy_interval)
        cells = [place, row.source, predicted, _signed(row.predicted_gain)]
        if verified:
            result = row.measured
            cells.append(_with_interval(result.test_accuracy, result.test_accuracy_interval) if result else "")
            if unbalanced:
                cells.append(_with_interval(*result.comparable) if result else "")
            cells.append(_signed(row.measured_gain))
        else:
            cells += [f"{100 * row.predicted_decrease:.1f}", f"{row.label_gradient:.3f}"]
            cells += [f"{row.label_feature_correlation:.3f}", f"{row.seconds:.1f}"]
        lines.append(cells)
    for head, cells in zip(heads, zip(*lines, strict=True), strict=True):
        if head == "source":  # where it is narrow, names are cut and numbers are not
            table.add_column(head, overflow="ellipsis")
            continue
        width = max(len(text) for text in (*head.split("\n"), *cells))
        table.add_column(head, justify="right", no_wrap=True, min_width=width)
    for cells in lines:
        table.add_row(*cells)
    table.caption, table.caption_justify = ranking.balance_note or None, "left"
    return table


def balance_note(ranking: "Ranking") -> str:
    """What accuracies mean where training or test classes are unbalanced; "" where they are balanced."""
    notes = []
    if is_unbalanced(ranking.class_counts):
        share = max(ranking.class_counts) / sum(ranking.class_counts)
        notes.append(f"Predicted accuracies are balanced: the largest class has {share:.1%} of the training images.")
    measured = next((row.measured for row in ranking.models if row.measured), None)
    if measured and measured.unbalanced:
        notes.append(
            f"The largest class has {measured.largest_share:.1%} of the test images: predictions are to be held against"
            " the balanced accuracy, which measured gains and the order are of."
        )
    return " ".join(notes)


def _with_interval(value: float, interval: tuple[float, float]) -> str:
    return f"{100 * value:.1f} [{100 * interval[0]:.0f}, {100 * interval[1]:.0f}]"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{100 * value:+.1f}"


def score_table(rows: Sequence[tuple[str, Mapping[str, Scored]]]) -> Any:
    """A rich table of at most 80 columns: values of up to 3 scores a model; of more, each model's place by each score.

    The columns of places carry the models' places in the ranking, `rows` being in its order. Values are in the JSON.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    names = [name for name in rows[0][1] if any(scores[name].value is not None for _, scores in rows)]
    missing = [f"{name} ({rows[0][1][name].reason})" for name in rows[0][1] if name not in names]
    table = Table(title_justify="left", caption_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.caption = f"Left out: {'; '.join(missing)}." if missing else None
    if len(names) <= 3:
        table.title = "Scores side by side: value (place); higher is better"
        table.add_column("source", no_wrap=True)
        for name in names:
            table.add_column(_short(name), justify="right")
        for k, (source, scores) in enumerate(rows):
            values = [scores[name].value for name in names]
            table.add_row(
                source, *(_value(value, _places(rows, name)[k]) for name, value in zip(names, values, strict=True))
            )
        seconds = (np.mean([scores[name].seconds for _, scores in rows]) for name in names)
        table.add_row("seconds", *(f"{value:.2f}" for value in seconds))
        return table
    table.title = "Scores side by side: place of each model of the ranking above"
    table.add_column("score", no_wrap=True, overflow="ellipsis")
    for k in range(len(rows)):
        table.add_column(str(k + 1), justify="right", no_wrap=True)
    table.add_column("best", justify="right", no_wrap=True)
    table.add_column("s", justify="right", no_wrap=True)
    for name in names:
        best = max(value for _, scores in rows if (value := scores[name].value) is not None)
        seconds = np.mean([scores[name].seconds for _, scores in rows])
        places = ("-" if place is None else str(place) for place in _places(rows, name))
        table.add_row(_short(name), *places, f"{best:.3g}", f"{seconds:.2f}")
    return table


def _places(rows: Sequence[tuple[str, Mapping[str, Scored]]], name: str) -> list[int | None]:
    """Place of each model by one score; equal values share the better place."""
    values = [scores[name].value for _, scores in rows]
    known = [value for value in values if value is not None]
    return [None if value is None else 1 + sum(other > value for other in known) for value in values]


def _value(value: float | None, place: int | None) -> str:
    return "-" if value is None else f"{value:.3g} ({place})"


def _short(name: str) -> str:
    return name.rpartition("/")[2]
