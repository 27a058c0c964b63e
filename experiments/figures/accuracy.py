"""Fine-tuned accuracy of every model on every task, minus that of the reference (paper, figures 2 and 3).

Command   python -m experiments.figures.accuracy
Expected  results/figures/accuracy.{png,pdf}
Hardware  1 CPU core, seconds; nothing is trained
"""

import numpy as np

from experiments.common.figure import Options, arrays, main, new_figure, save_figure


def draw(options: Options) -> None:
    results, _, _ = arrays(options)
    place = results.models.index(results.reference)
    gain = 100 * (results.accuracy - results.accuracy[:, :, [place]])
    figure, axes = new_figure(8.5, 1.4 + 0.42 * len(results.tasks))
    colours, markers = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"), "osD^vP*Xh<>d"
    for m, model in enumerate(results.models):
        if m == place:
            continue
        middle, spread = np.nanmean(gain[:, :, m], axis=0), np.ptp(gain[:, :, m], axis=0) / 2
        y = np.arange(len(results.tasks)) + 0.5 * (m / len(results.models) - 0.5)
        axes.errorbar(
            middle, y, xerr=spread if len(gain) > 1 else None, fmt=markers[m % len(markers)], ms=5,
            color=colours[m % len(colours)], mec="black", mew=0.5, lw=0.8, label=model,
        )  # fmt: skip
    axes.axvline(0, color="0.4", lw=1)
    axes.set_yticks(range(len(results.tasks)), results.tasks, fontsize=8)
    axes.set_xlabel(f"fine-tuned accuracy minus that of {results.reference} (points); bars: range over seeds")
    figure.legend(loc="outside right upper", fontsize=7)
    save_figure(figure, options, "accuracy")


if __name__ == "__main__":
    main(draw)
