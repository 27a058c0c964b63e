"""The critical-difference diagram, after Demšar 2006: scores on the line of their means, a bar over the best group."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lin_ft.files.atomic import write_atomically

if TYPE_CHECKING:
    from lin_ft.benchmark import CriticalDifference

APART = 0.28
"""Between two names, in units of the axes' height."""


def plot_critical_difference(
    result: "CriticalDifference", path: str | Path, *, label: str = "", title: str = ""
) -> None:
    """Write a PNG, PDF or what the suffix says. Black only: nothing in it depends on colour.

    The best are on the right. The bar is as long as the smallest difference that the matrix can show and ends at the
    best score; names within it are bold. Rankings that are blind to the target, and real fine-tunings, may stand beyond
    it. Rows without a value are left out.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    means = {name: value for name, value in result.means.items() if np.isfinite(value)}
    names = list(means)
    right = names[: (len(names) + 1) // 2]
    left = names[len(right) :][::-1]  # the least first, so that no two lines cross
    low, high = min(means.values()), max(means.values())
    span = max(high - low, 1e-9)
    figure = Figure(figsize=(9.0, 1.5 + 0.2 * len(right)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.plot([low - 0.03 * span, high + 0.03 * span], [0, 0], color="black", lw=1)
    for tick in _ticks(low, high):
        axes.plot([tick, tick], [0, 0.12], color="black", lw=1)
        axes.text(tick, 0.2, f"{round(tick, 9) + 0.0:.1f}", ha="center", va="bottom", fontsize=8)
    for side, of_side in ((1, right), (-1, left)):
        end = (high if side > 0 else low) + 0.06 * span * side
        for row, name in enumerate(of_side):
            depth, value = -0.55 - APART * row, means[name]
            axes.plot([value, value, end], [0, depth, depth], color="black", lw=0.6)
            text = f" {name} ({value:.2f})" if side > 0 else f"({value:.2f}) {name} "
            weight = "bold" if name in result.group else "normal"
            ha = "left" if side > 0 else "right"
            axes.text(end, depth, text, ha=ha, va="center", fontsize=7.5, weight=weight)
    best = means[result.best]
    axes.plot([best - result.difference, best], [-0.2, -0.2], color="black", lw=4, solid_capstyle="butt")
    note = (
        f"{label}, {result.n_tasks} tasks; Friedman p = {result.friedman_p:.2g}. Bar: {result.difference:.2f}, the"
        " smallest\ndifference that they can show (80 % power); bold: within it of the best score"
    )
    axes.set_title(f"{title}\n{note}" if title else note, fontsize=8.5, loc="left")
    axes.set_xlim(low - 0.75 * span, high + 0.75 * span)
    axes.set_ylim(-0.6 - APART * len(right), 0.7)
    path = Path(path)
    suffix = path.suffix.lstrip(".") or "png"
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=150, format=suffix))


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers inside, about six."""
    step = 10 ** np.floor(np.log10(max(high - low, 1e-9)))
    step = next(step * part for part in (0.1, 0.2, 0.5, 1.0, 2.0) if (high - low) / (step * part) <= 7)
    return [float(tick) for tick in np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step]
