"""The critical-difference diagram of Demšar 2006: mean ranks on a line, bars over scores that are not told apart."""

from pathlib import Path
from typing import TYPE_CHECKING

from lin_ft.files.atomic import write_atomically

if TYPE_CHECKING:
    from lin_ft.benchmark import CriticalDifference


def plot_critical_difference(result: "CriticalDifference", path: str | Path, title: str = "") -> None:
    """Write a PNG, PDF or what the suffix says. Black only: nothing in it depends on colour."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names, ranks = list(result.ranks), list(result.ranks.values())
    k = len(names)
    left = (k + 1) // 2
    bars = 0.16 * len(result.cliques) + 0.2
    figure = Figure(figsize=(8.0, 1.2 + 0.24 * left + bars), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.plot([1, k], [0, 0], color="black", lw=1)
    for tick in range(1, k + 1):
        axes.plot([tick, tick], [0, 0.12], color="black", lw=1)
        if k <= 16 or tick % 2:
            axes.text(tick, 0.2, str(tick), ha="center", va="bottom", fontsize=8)
    margin = 0.03 * (k - 1)
    for place, (name, rank) in enumerate(zip(names, ranks, strict=True)):
        first = place < left
        row = place if first else k - 1 - place
        depth = -bars - 0.28 - 0.28 * row
        end = 1 - margin if first else k + margin
        axes.plot([rank, rank, end], [0, depth, depth], color="black", lw=0.8)
        label = f"{name} ({rank:.2f})"
        axes.text(
            end, depth, f"{label} " if first else f" {label}", ha="right" if first else "left", va="center", fontsize=8
        )
    for place, clique in enumerate(result.cliques):
        height = -0.14 - 0.16 * place
        ends = result.ranks[clique[0]] - 0.01 * k, result.ranks[clique[-1]] + 0.01 * k
        axes.plot(ends, [height, height], color="black", lw=3.5, solid_capstyle="butt")
    if result.difference is not None:
        axes.plot([1, 1 + result.difference], [0.62, 0.62], color="black", lw=1.5, marker="|")
        axes.text(
            1 + result.difference + 0.02 * k,
            0.62,
            f"critical difference {result.difference:.2f}",
            fontsize=8,
            va="center",
        )
    note = f"mean rank over {result.n_tasks} tasks, 1 is best; Friedman p = {result.friedman_p:.2g}; {_method(result)}"
    axes.set_title(f"{title}\n{note}" if title else note, fontsize=9, loc="left")
    axes.set_xlim(1 - 0.65 * (k - 1), k + 0.65 * (k - 1))
    path = Path(path)
    suffix = path.suffix.lstrip(".") or "png"
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=150, format=suffix))


def _method(result: "CriticalDifference") -> str:
    return "Nemenyi" if result.method == "nemenyi" else f"pairwise {result.method.replace('_', ' ')} test, Holm"
