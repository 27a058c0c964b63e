"""Gain of the best of three models, every score on every task (paper, the table of figure 4).

Command   python -m experiments.figures.gain_by_task
Expected  results/figures/gain_by_task.{png,pdf} and .md
Hardware  1 CPU core, seconds; nothing is trained
"""

import numpy as np

from experiments.common.figure import Options, arrays, main, new_figure, save_figure, save_table
from lin_ft.benchmark import per_task
from lin_ft.benchmark.questions import best_of_models
from lin_ft.benchmark.summary import STATISTICS


def draw(options: Options) -> None:
    results, scores, _ = arrays(options)
    accuracy, reference = results.accuracy, results.reference_accuracy
    rows = {
        "best": best_of_models(accuracy) - reference,
        **{name: per_task(STATISTICS["gain_3"], results, values) for name, values in scores.items()},
        "worst": -best_of_models(-accuracy) - reference,
    }
    table = {name: 100 * np.nanmean(values, axis=0) for name, values in rows.items() if np.isfinite(values).any()}
    inner = sorted((name for name in table if name not in ("best", "worst")), key=lambda name: -table[name].mean())
    names = ["best", *inner, "worst"]
    lines = ["| score | " + " | ".join(results.tasks) + " | mean |", "| --- |" + " ---: |" * (len(results.tasks) + 1)]
    for name in names:
        cells = [f"{value:.1f}" for value in (*table[name], table[name].mean())]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    save_table(lines, options, "gain_by_task")
    values = np.asarray([[*table[name], table[name].mean()] for name in names])
    figure, axes = new_figure(3.2 + 0.8 * values.shape[1], 1.6 + 0.25 * len(names))
    limit = max(1.0, float(np.abs(values[:-1]).max()))
    axes.imshow(values, cmap="RdBu", vmin=-limit, vmax=limit, aspect="auto")  # blue gains, red loses; numbers for grey
    for (i, j), value in np.ndenumerate(values):
        axes.text(
            j, i, f"{value:.1f}", ha="center", va="center", fontsize=7, color="w" if abs(value) > 0.6 * limit else "k"
        )
    axes.set_xticks(range(values.shape[1]), [*results.tasks, "mean"], rotation=30, ha="right", fontsize=8)
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set_title(f"Gain over {results.reference}, best of three (points)", fontsize=9)
    save_figure(figure, options, "gain_by_task")


if __name__ == "__main__":
    main(draw)
