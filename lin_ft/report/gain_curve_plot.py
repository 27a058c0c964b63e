"""Accuracy gain over the reference model by the number of models tried."""

from collections.abc import Mapping
from itertools import cycle
from pathlib import Path

import numpy as np
from jaxtyping import Float

from lin_ft.files.atomic import write_atomically

# Okabe and Ito's colours for the colour-blind; marker and line style differ as well, for grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
LINES = ("-", "--", "-.")


def plot_gain_curves(curves: Mapping[str, Float[np.ndarray, " M"]], path: str | Path, title: str = "") -> None:
    """Write a PNG, PDF or what the suffix says; name -> gain in points of the best of the first 1 .. M models.

    Rankings whose name ends in "(static)", and "random", are drawn dotted and thin.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.report import plot_gain_curves
        >>> plot_gain_curves({"logme": np.array([1.0, 2.0, 2.5]), "random": np.array([-1.0, 0.5, 2.5])}, "gain.png")
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(8.5, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.axhline(0, color="0.7", lw=0.8)
    styles = zip(cycle(COLOURS), cycle(MARKERS), cycle(LINES), strict=False)
    for (name, gains), (colour, marker, line) in zip(curves.items(), styles, strict=False):
        static = name == "random" or name.endswith("(static)")
        places = np.arange(1, len(gains) + 1)
        every = max(1, len(gains) // 10)
        axes.plot(
            places, gains, color=colour, ls=":" if static else line, lw=1.1 if static else 1.8,
            marker=marker, markevery=every, ms=4 if static else 6, mfc="white" if static else colour, label=name,
        )  # fmt: skip
    axes.set(xlabel="models fine-tuned, in the order of the ranking", ylabel="mean accuracy gain (points)", title=title)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right upper", fontsize=7)
    path = Path(path)
    suffix = path.suffix.lstrip(".") or "png"
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=150, format=suffix))
