"""The heat map of rank agreement: Kendall's tau of every two scores."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float

from lin_ft.files.atomic import write_atomically
from lin_ft.report.plain import plain


def plot_agreement(names: Sequence[str], tau: Float[np.ndarray, "S S"], path: str | Path, *, title: str = "") -> None:
    """Write a PNG (or what the suffix says): blue agrees, red reverses; numbers in the cells up to 15 scores.

    Beyond, what reverses has a bar, so that it is told from what agrees in grey too. Scores that agree stand together:
    they are ordered by average-linkage clustering of 1 - tau.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.report import plot_agreement
        >>> plot_agreement(["logme", "leep"], np.array([[1.0, 0.3], [0.3, 1.0]]), "agreement.png")
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    n = len(names)
    order = np.arange(n)
    if n > 2:
        distance = 1 - (tau + tau.T) / 2
        np.fill_diagonal(distance, 0)
        order = leaves_list(linkage(squareform(np.maximum(distance, 0), checks=False), "average"))
    side = 2.8 + 0.24 * max(n, 6)
    figure = Figure(figsize=(side + 0.8, side), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    image = axes.imshow(tau[np.ix_(order, order)], cmap="RdBu", vmin=-1, vmax=1)
    labels = [names[k].rpartition("/")[2] for k in order.tolist()]
    axes.set_xticks(range(n), labels, rotation=90, fontsize=8)
    axes.set_yticks(range(n), labels, fontsize=8)
    axes.tick_params(length=0)
    if n > 15:  # the sign, where there is no room for the number: red and blue are one grey
        down, across = np.nonzero(tau[np.ix_(order, order)] < 0)
        shade = np.where(tau[order[down], order[across]] < -0.6, "white", "black")
        axes.scatter(across, down, marker="_", s=14, linewidths=0.8, c=shade)
    for i, j in np.ndindex(n, n) if n <= 15 else ():
        value = tau[order[i], order[j]]
        axes.text(
            j, i, f"{value:.1f}", ha="center", va="center", fontsize=7, color="white" if abs(value) > 0.6 else "k"
        )
    axes.set_title(title or "Rank agreement of the scores", fontsize=10, loc="left")
    plain(axes)
    figure.colorbar(image, ax=axes, shrink=0.7, label="Kendall's tau over the models")
    path = Path(path)
    suffix = path.suffix.lstrip(".") or "png"
    write_atomically(path, lambda temporary: figure.savefig(temporary, dpi=150, format=suffix))
