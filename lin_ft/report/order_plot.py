"""Every score's mean on one matrix against its mean on another: does the order hold?"""

from collections.abc import Collection, Mapping
from pathlib import Path

from lin_ft.files.atomic import write_atomically


def plot_two_orders(
    points: Mapping[str, tuple[float, float]],
    path: str | Path,
    *,
    labels: tuple[str, str],
    marked: Collection[str] = (),
    n_named: int = 6,
    title: str = "",
) -> None:
    """Write a PNG, PDF or what the suffix says; score -> (value here, value there).

    Marked scores are large filled squares with a number, explained beside; so are the first `n_named` of either matrix
    as circles. The line is equality.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.6, 5.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    best = [sorted(points, key=lambda name: -points[name][side])[:n_named] for side in (0, 1)]
    named = list(dict.fromkeys([*best[0], *best[1], *(name for name in marked if name in points)]))
    for name, (x, y) in points.items():
        if name not in named:
            axes.plot(x, y, "o", ms=4, mfc="0.75", mec="0.35", mew=0.5)
    for place, name in enumerate(named, 1):
        x, y = points[name]
        style = ("s", "#E69F00") if name in marked else ("o", "#0072B2")
        axes.plot(x, y, style[0], ms=7, mfc=style[1], mec="black", mew=0.7, label=f"{place}  {name}")
        axes.annotate(str(place), (x, y), (5, 4), textcoords="offset points", fontsize=8)
    bounds = min(min(pair) for pair in points.values()), max(max(pair) for pair in points.values())
    axes.plot(bounds, bounds, color="0.5", lw=0.8, zorder=0)
    axes.set(xlabel=labels[0], ylabel=labels[1])
    axes.set_title(title, fontsize=9, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right upper", fontsize=7.5)
    path = Path(path)
    suffix = path.suffix.lstrip(".") or "png"
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=150, format=suffix))
