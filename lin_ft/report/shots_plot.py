"""Lines with intervals over the number of training images a class."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from lin_ft.files.atomic import write_atomically

COLOURS, MARKERS, LINES = ("#0072B2", "#E69F00", "#009E73", "#CC79A7"), "osD^", ("-", "--", "-.", ":")


def plot_by_shots(
    lines: Mapping[str, Sequence[tuple[float, ...]]],
    shots: Sequence[str],
    path: str | Path,
    *,
    label: str = "",
    title: str = "",
) -> None:
    """Write a PNG, PDF or what the suffix says; name -> (value, low, high) at each number of images.

    Told apart by marker and line style, in grey too; neighbours stand a little aside, so that intervals do not overlap.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    aside = np.linspace(-0.09, 0.09, max(len(lines), 2))
    for (name, rows), marker, style, colour, shift in zip(lines.items(), MARKERS, LINES, COLOURS, aside, strict=False):
        middle, low, high = (np.asarray(column, float) for column in zip(*rows, strict=True))
        errors = np.nan_to_num([np.maximum(middle - low, 0), np.maximum(high - middle, 0)])
        places = np.arange(len(shots)) + shift
        axes.errorbar(
            places, middle, yerr=errors, marker=marker, ls=style, color=colour, mec="black", mew=0.6, capsize=3,
            label=name,
        )  # fmt: skip
    axes.axhline(0, color="0.7", lw=0.8, zorder=0)
    axes.set_xticks(range(len(shots)), shots)
    axes.set_xlabel("training images a class")
    axes.set_ylabel(label, fontsize=8)
    axes.set_title(title, fontsize=9, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=2, fontsize=8)
    path = Path(path)
    suffix = path.suffix.lstrip(".") or "png"
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=150, format=suffix))
