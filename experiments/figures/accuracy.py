"""Fine-tuned accuracy of every model on every task, minus that of the reference (paper, figures 2 and 3).

Command   python -m experiments.figures.accuracy
Expected  results/figures/accuracy.{png,pdf}
Hardware  1 CPU core, seconds; nothing is trained
"""

import numpy as np
from jaxtyping import Float

from experiments.common.figure import Options, evidence, main, new_figure, save_figure
from lin_ft.benchmark.truth import of_all_draws


def draw(options: Options) -> None:
    results = evidence(options).results
    place = results.models.index(results.reference)
    gain = 100 * (results.accuracy - results.accuracy[:, :, [place]])
    means = 100 * of_all_draws(results)
    means = means - means[:, [place]]
    figure, axes = new_figure(8.5, 1.4 + 0.42 * len(results.tasks))
    colours, markers = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"), "osD^vP*Xh<>d"
    for m, model in enumerate(results.models):
        if m == place:
            continue
        middle, spread = means[:, m], _spread(gain[:, :, m])
        y = np.arange(len(results.tasks)) + 0.5 * (m / len(results.models) - 0.5)
        axes.errorbar(
            middle, y, xerr=spread if len(gain) > 1 else None, fmt=markers[m % len(markers)], ms=5,
            color=colours[m % len(colours)], mec="black", mew=0.5, lw=0.8, label=model,
        )  # fmt: skip
    axes.axvline(0, color="0.4", lw=1)
    axes.set_yticks(range(len(results.tasks)), results.tasks, fontsize=8)
    axes.set_xlabel(
        f"fine-tuned accuracy minus that of {results.reference} (points); bars: standard deviation over draws"
    )
    figure.legend(loc="outside right upper", fontsize=7)
    save_figure(figure, options, "accuracy")


def _spread(gain: Float[np.ndarray, "S T"]) -> Float[np.ndarray, " T"]:
    """Standard deviation over the draws that are there; 0 with fewer than two."""
    columns = [column[np.isfinite(column)] for column in gain.T]
    return np.asarray([column.std(ddof=1) if len(column) > 1 else 0.0 for column in columns])


if __name__ == "__main__":
    main(draw)
