"""What a perfect score could reach on each task, given how much seeds differ, and what the best scores reach.

Command   python -m experiments.figures.ceiling
Expected  results/figures/ceiling.{png,pdf}
Hardware  1 CPU core, seconds; nothing is trained
"""

import numpy as np

from experiments.common.figure import NoData, Options, arrays, main, new_figure, save_figure
from lin_ft.benchmark import noise_ceiling, per_task
from lin_ft.benchmark.questions import SAME
from lin_ft.benchmark.resampling import mean
from lin_ft.benchmark.summary import STATISTICS


def draw(options: Options) -> None:
    results, scores, _ = arrays(options)
    if len(results.accuracy) < 2:
        raise NoData("a noise ceiling needs two seeds")
    rows = noise_ceiling(results)
    table = {
        name: np.asarray([mean(column) for column in per_task(STATISTICS["spearman"], results, values).T])
        for name, values in scores.items()
    }
    table = {name: values for name, values in table.items() if np.isfinite(values).all() and name not in SAME}
    best = sorted(table, key=lambda name: -table[name].mean())[:4]
    figure, axes = new_figure(8.0, 4.2)
    places = np.arange(len(rows))
    axes.bar(places, [row.ceiling_single for row in rows], 0.7, color="0.85", ec="black", lw=0.6, label="noise ceiling")
    for name, marker, colour in zip(best, "osD^", ("#0072B2", "#D55E00", "#009E73", "#E69F00"), strict=False):
        axes.plot(places, table[name], marker, color=colour, mec="black", mew=0.5, ms=7, label=name)
    axes.axhline(0, color="black", lw=0.8)
    ticks = [row.task + ("" if row.rankable else " (noise decides)") for row in rows]
    axes.set_xticks(places, ticks, rotation=30, ha="right", fontsize=8)
    axes.set_ylabel("Spearman with one seed of fine-tuning")
    figure.legend(loc="outside upper center", ncols=3, fontsize=7)
    save_figure(figure, options, "ceiling")


if __name__ == "__main__":
    main(draw)
