"""Figures of the HTML report as SVG texts: readable at the width of a phone, one statement each."""

import io
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lin_ft.report.plain import plain
from lin_ft.report.ranking_plot import PREDICTED, REFERENCE_LINE, plot_gains
from lin_ft.report.spectrum_plot import COLOURS, DASHES

if TYPE_CHECKING:
    from lin_ft.ranking import Ranking

LINES = 6
"""Models that curves are drawn of: the first of the ranking. More colours could not be told apart."""


def ranking_figure(ranking: "Ranking") -> str:
    """One dot a model with its interval: of the gain in points, shaded by P(best), or else of the accuracy.

    Dashed: the reference; dotted: chance.
    """
    rows = ranking.models
    figure, axes = _axes(7.2, 1.1 + 0.34 * len(rows))
    if rows[0].predicted_gain_interval:
        plot_gains(ranking, axes)
        axes.set_yticks(range(len(rows)), [f"{row.rank}. {row.name}" for row in rows])
        axes.invert_yaxis()
        plain(axes)
        return _svg(figure)
    for place, row in enumerate(rows):
        low, high = row.predicted_accuracy_interval
        axes.plot([low, high], [place, place], color=PREDICTED, lw=2, alpha=0.5, solid_capstyle="round")
        axes.plot(row.predicted_accuracy, place, "o", color=PREDICTED, ms=7)
        if row.name == ranking.reference:
            axes.axvline(row.predicted_accuracy, color=REFERENCE_LINE, ls="--", lw=1, zorder=0)
    axes.axvline(1 / ranking.n_classes, color=REFERENCE_LINE, ls=":", lw=1, zorder=0)
    axes.set_yticks(range(len(rows)), [f"{row.rank}. {row.name}" for row in rows])
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), xlabel="predicted accuracy (dotted: chance; dashed: reference)")
    plain(axes)
    return _svg(figure)


def images_figure(ranking: "Ranking") -> str:
    """Predicted accuracy of the first model by the number of training images, with its 90 % band; dotted: chance."""
    figure, axes = _axes(6.0, 3.4)
    n = [point.n for point in ranking.curve]
    accuracies = [point.accuracy for point in ranking.curve]
    low, high = zip(*(point.interval for point in ranking.curve), strict=True)
    axes.fill_between(n, low, high, color=PREDICTED, alpha=0.2, lw=0)
    axes.plot(n, accuracies, "o-", color=PREDICTED, ms=6)
    axes.plot([ranking.n], [accuracies[n.index(ranking.n)]], "o", color="black", ms=8, zorder=4)
    axes.axhline(1 / ranking.n_classes, color=REFERENCE_LINE, ls=":", lw=1, zorder=0)
    axes.set_xscale("log", base=2)
    axes.set_xticks(n, [str(each) for each in n])
    axes.minorticks_off()
    axes.set(ylim=(0, 1.02), xlabel="training images (black: yours)", ylabel="predicted accuracy")
    plain(axes)
    return _svg(figure)


def curve_figure(ranking: "Ranking") -> str:
    """Predicted accuracy by training time, the times of RankConfig; infinite time at the right edge."""
    figure, axes = _axes(4.6, 3.6)
    for index, row in enumerate(ranking.models[:LINES]):
        details = row.details
        if details is None:
            continue
        finite = [time for time in details.times if np.isfinite(time)]
        places = [time if np.isfinite(time) else 10 * max(finite) for time in details.times]
        axes.semilogx(places, details.accuracies, marker="o", ms=4, label=row.name, **_look(index))
    axes.set(ylim=(0, 1.02), xlabel="time × mean eigenvalue (last: infinite)", ylabel="predicted accuracy")
    axes.legend(frameon=False, fontsize=8)
    plain(axes)
    return _svg(figure)


def spectrum_figure(ranking: "Ranking", what: Literal["eigenvalues", "energy"]) -> str:
    """Eigenvalues over their mean, or the share of label energy along the leading eigenvectors."""
    figure, axes = _axes(4.6, 3.6)
    for index, row in enumerate(ranking.models[:LINES]):
        if row.details is None:
            continue
        spectrum = row.details.spectrum
        places = np.arange(1, len(spectrum.eigenvalues) + 1)
        if what == "energy":
            axes.semilogx(places, np.cumsum(spectrum.label_energy), label=row.name, **_look(index))
        else:
            positive = spectrum.eigenvalues > 0
            axes.loglog(places[positive], spectrum.eigenvalues[positive], label=row.name, **_look(index))
    if what == "energy":
        axes.set(xlabel="leading eigenvectors", ylabel="share of label energy", ylim=(0, 1.02))
    else:
        axes.set(xlabel="eigenvector", ylabel="eigenvalue / mean")
    axes.legend(frameon=False, fontsize=8)
    plain(axes)
    return _svg(figure)


def _look(index: int) -> dict[str, Any]:
    return {"color": COLOURS[index % len(COLOURS)], "ls": DASHES[index % len(DASHES)], "lw": 1.8}


def _axes(width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="0.92", zorder=0)
    return figure, axes


def _svg(figure: Any) -> str:
    """The <svg> element alone; the same figure gives the same text."""
    import matplotlib

    buffer = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "lin_ft", "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
