"""Predicted gain over the reference against the measured one, every model on every task.

Command   python -m experiments.figures.predicted
Expected  results/figures/predicted.{png,pdf}
Hardware  1 CPU core, seconds; nothing is trained
"""

import numpy as np

from experiments.common.figure import NoData, Options, evidence, main, new_figure, save_figure
from lin_ft.benchmark import calibration


def draw(options: Options) -> None:
    core = evidence(options)
    results, scores = core.results, core.scores
    names = [name for name in scores if name.startswith("predicted_accuracy") and np.isfinite(scores[name]).any()]
    if not names:
        raise NoData("the table has no predicted accuracy")
    place = results.models.index(results.reference)
    others = np.arange(len(results.models)) != place
    measured = 100 * (results.accuracy - results.accuracy[:, :, [place]])
    figure, axes = new_figure(6.2, 5.2)
    for name, marker, colour in zip(
        names, "os^Dv", ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#000000"), strict=False
    ):
        predicted = 100 * (scores[name] - scores[name][:, :, [place]])
        fit = calibration(predicted[:, :, others], measured[:, :, others])
        label = f"{name}: error {fit.mean_absolute_error:.1f}, slope {fit.slope:.2f}"
        axes.plot(
            predicted[:, :, others].ravel(), measured[:, :, others].ravel(), marker, color=colour, mec="black", mew=0.4,
            ms=5, alpha=0.8, label=label,
        )  # fmt: skip
    bounds = np.asarray(axes.get_xlim())
    axes.plot(bounds, bounds, color="0.4", lw=1, label="perfect")
    axes.set(xlabel="predicted gain (points)", ylabel="measured gain (points)")
    axes.legend(fontsize=7)
    save_figure(figure, options, "predicted")


if __name__ == "__main__":
    main(draw)
