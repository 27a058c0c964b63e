"""The table of a ranking on the terminal."""

from typing import TYPE_CHECKING, Any

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
    heads += (
        ["measured\n% [95 % CI]", "\ngain"]
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
    return table


def _with_interval(value: float, interval: tuple[float, float]) -> str:
    return f"{100 * value:.1f} [{100 * interval[0]:.0f}, {100 * interval[1]:.0f}]"


def _signed(value: float | None) -> str:
    return "" if value is None else f"{100 * value:+.1f}"
