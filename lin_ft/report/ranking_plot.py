"""The picture of a ranking: predicted accuracy with intervals, and what fine-tuning measured where it was run."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lin_ft.report.plain import plain

if TYPE_CHECKING:
    from lin_ft.ranking import Ranking
    from lin_ft.report.picture import Picture

# Blue and orange of Okabe and Ito: told apart by the colour-blind, and by lightness in grey.
PREDICTED, MEASURED, REFERENCE_LINE = "#0072B2", "#E69F00", "#555555"


def plot_ranking(ranking: "Ranking", path: str | Path) -> None:
    """Write the picture of `ranking_picture`: a PNG, or what the suffix says.

    Examples:
        >>> import lin_ft
        >>> task = lin_ft.load_task("optdigits", shots=2, seed=0)
        >>> zoo = lin_ft.embedded_zoo()[:2]
        >>> from lin_ft.report import plot_ranking
        >>> plot_ranking(lin_ft.rank(zoo, task, lin_ft.RankConfig(head="zero")), "ranking.png")
    """
    ranking_picture(ranking).save(path)


def ranking_picture(ranking: "Ranking") -> "Picture":
    """One bar a model, best on top, 95 % intervals, percent of images; a matplotlib figure that notebooks show.

    Examples:
        >>> import lin_ft
        >>> task = lin_ft.load_task("optdigits", shots=2, seed=0)
        >>> zoo = lin_ft.embedded_zoo()[:2]
        >>> from lin_ft.report import ranking_picture
        >>> ranking_picture(lin_ft.rank(zoo, task, lin_ft.RankConfig(head="zero"))).savefig("ranking.svg")
    """
    from matplotlib.ticker import PercentFormatter

    from lin_ft.report.picture import Picture

    rows = ranking.models
    figure = Picture(figsize=(7.5, 1.6 + 0.42 * len(rows)), layout="constrained")
    if ranking.score == "predicted_accuracy":
        axes = figure.add_subplot()
    else:  # the order comes from other numbers than the accuracies: these stand in front
        front, axes = figure.subplots(1, 2, sharey=True, width_ratios=(1, 2.4))
        (plot_gains if ranking.models[0].predicted_gain_interval else _plot_score)(ranking, front)
    places = range(len(rows))
    values = [row.predicted_accuracy for row in rows]
    errors = [
        [max(0.0, row.predicted_accuracy - row.predicted_accuracy_interval[0]) for row in rows],
        [max(0.0, row.predicted_accuracy_interval[1] - row.predicted_accuracy) for row in rows],
    ]
    axes.barh(places, values, color=PREDICTED, height=0.62, label="predicted", zorder=2)
    axes.errorbar(values, places, xerr=errors, fmt="none", ecolor="black", capsize=3, lw=1, zorder=3)
    measured = [(place, row.measured) for place, row in zip(places, rows, strict=True) if row.measured]
    if measured:
        xs = [result.comparable[0] for _, result in measured]
        spread = [
            [max(0.0, value - low) for value, (low, _) in (result.comparable for _, result in measured)],
            [max(0.0, high - value) for value, (_, high) in (result.comparable for _, result in measured)],
        ]
        balanced = ", balanced" if any(result.unbalanced for _, result in measured) else ""
        ys = [place for place, _ in measured]
        style = {
            "fmt": "D",
            "color": MEASURED,
            "mec": "black",
            "ecolor": "black",
            "capsize": 3,
            "lw": 1,
            "zorder": 4,
        }
        axes.errorbar(xs, ys, xerr=spread, label=f"fine-tuned, test{balanced}", **style)
    reference = next((row for row in rows if row.name == ranking.reference), None)
    if reference is not None:
        axes.axvline(reference.predicted_accuracy, color=REFERENCE_LINE, ls="--", lw=1, zorder=1)
    figure.axes[0].set_yticks(places, [f"{row.rank}. {row.name}" for row in rows])
    figure.axes[0].invert_yaxis()
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel(f"accuracy (chance {1 / ranking.n_classes:.0%};\ndashed: the reference, {ranking.reference})")
    title = figure.suptitle(
        f"Which model to fine-tune on {ranking.task}? {ranking.n} images, {ranking.n_classes} classes,"
        f" ranked by {ranking.score}",
        fontsize=10,
    )
    axes.grid(axis="x", color="0.9", zorder=0)
    axes.spines[["top", "right"]].set_visible(False)
    if measured:
        axes.legend(loc="lower right", frameon=True, fontsize=8)
    plain(*figure.axes, title, axes.xaxis.label)
    return figure


def _plot_score(ranking: "Ranking", axes: Any) -> None:
    """What the models are ranked by, a bar each, with its value."""
    values = [ranking.value(row) for row in ranking.models]
    shown = [value if value is not None and math.isfinite(value) else 0.0 for value in values]
    axes.barh(range(len(values)), shown, color="0.7", height=0.62, zorder=2)
    low, high = min(0.0, *shown), max(0.0, *shown)
    for place, (value, length) in enumerate(zip(values, shown, strict=True)):
        text = "none" if value is None else f"{value:.3g}"
        axes.text(max(length, 0.0) + 0.02 * (high - low), place, text, va="center", fontsize=8)
    axes.set_xlim(low, high + 0.35 * (high - low) if high > low else 1.0)
    axes.set_xlabel(ranking.score.replace("_", " ") + "\n(the larger, the better)")
    axes.spines[["top", "right"]].set_visible(False)


def plot_gains(ranking: "Ranking", axes: Any) -> None:
    """Gains over the reference with their 90 % intervals, in points; the darker, the likelier to be the best."""
    for place, row in enumerate(ranking.models):
        gain, (low, high) = 100 * (row.predicted_gain or 0.0), row.predicted_gain_interval or (0.0, 0.0)
        shade = 0.85 - 0.7 * (row.p_best or 0.0)
        axes.plot([100 * low, 100 * high], [place, place], color="black", lw=1, zorder=2)
        axes.plot([gain], [place], "o", ms=9, mfc=(shade,) * 3, mec="black", mew=0.7, zorder=3)
        axes.text(gain, place - 0.22, f"{row.p_best or 0.0:.0%}", ha="center", va="bottom", fontsize=7)
    axes.axvline(0, color=REFERENCE_LINE, ls="--", lw=1, zorder=1)
    for place, row in enumerate(ranking.models):
        if row.measured_gain is not None and row.name != ranking.reference:
            axes.plot([100 * row.measured_gain], [place], "D", color=MEASURED, mec="black", ms=6, zorder=4)
    axes.set_xlabel("gain in points, 90 % interval\n(dark and above: P(best))")
    axes.spines[["top", "right"]].set_visible(False)
