"""Noise ceilings of the tasks as bars, and what some scores reach as points."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from lin_ft.files.atomic import write_atomically

COLOURS, MARKERS = ("#0072B2", "#D55E00", "#009E73", "#E69F00"), "osD^"


def plot_ceilings(
    ceilings: Mapping[str, float],
    scores: Mapping[str, Float[np.ndarray, " T"]],
    path: str | Path,
    *,
    one_draw: Sequence[float] = (),
    label: str = "",
    title: str = "",
) -> None:
    """Write a PNG, PDF or what the suffix says; task -> its ceiling, score -> one value a task.

    `one_draw`: ceilings against a single draw, as lines across the bars.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    places = np.arange(len(ceilings))
    tops = np.nan_to_num(np.asarray(list(ceilings.values())))
    axes.bar(places, tops, 0.7, color="0.87", ec="black", lw=0.6, label="noise ceiling, mean of the other draws")
    if len(one_draw):
        low, high = places - 0.35, places + 0.35
        axes.hlines(one_draw, low, high, color="black", lw=1.4, ls=(0, (2, 1)), label="noise ceiling, one draw")
    shift = np.linspace(-0.18, 0.18, max(len(scores), 2))
    for (name, values), marker, colour, aside in zip(scores.items(), MARKERS, COLOURS, shift, strict=False):
        axes.plot(places + aside, values, marker, color=colour, mec="black", mew=0.5, ms=6.5, label=name)
    axes.axhline(0, color="black", lw=0.8)
    axes.set_xticks(places, list(ceilings), rotation=35, ha="right", fontsize=8)
    axes.set_ylabel(label, fontsize=9)
    axes.set_title(title, fontsize=9, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside upper center", ncols=3, fontsize=8)
    path = Path(path)
    suffix = path.suffix.lstrip(".") or "png"
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=150, format=suffix))
