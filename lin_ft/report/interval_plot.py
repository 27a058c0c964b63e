"""One dot with its interval a row: a statistic of several scores, variants or tasks."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lin_ft.files.atomic import write_atomically

DOT, STATIC = "#0072B2", "#E69F00"


def plot_intervals(
    rows: Mapping[str, tuple[float, float, float]],
    path: str | Path,
    *,
    label: str = "",
    title: str = "",
    least_first: bool = False,
    digits: int = 2,
) -> None:
    """Write a PNG, PDF or what the suffix says; name -> (value, low, high), largest value on top, or the least.

    The kind of interval is said below, in `label` (see lin_ft.benchmark.resampling.INTERVAL).

    Rankings that never look at the target ("random", or a name that ends in "(static)") are open squares: told apart in
    grey too.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    kept = {name: row for name, row in rows.items() if np.isfinite(row[0])}
    names = sorted(kept, key=lambda name: kept[name][0], reverse=least_first)
    figure = Figure(figsize=(7.5, 1.3 + 0.26 * max(len(names), 2)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.axvline(0, color="0.8", lw=0.8, zorder=0)
    for place, name in enumerate(names):
        value, low, high = kept[name]
        static = name == "random" or name.endswith("(static)")
        axes.plot([low, high], [place, place], color="black", lw=1, zorder=1)
        axes.plot(
            value, place, "s" if static else "o", ms=6, mec="black", mfc="white" if static else DOT, mew=0.8, zorder=2
        )
        axes.annotate(
            f"{value:.{digits}f}", (value, place), (0, 5), textcoords="offset points", ha="center", fontsize=6
        )
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.set(xlabel=label, title=title, ylim=(-0.7, len(names) - 0.3))
    axes.spines[["top", "right"]].set_visible(False)
    path = Path(path)
    suffix = path.suffix.lstrip(".") or "png"
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=150, format=suffix))
