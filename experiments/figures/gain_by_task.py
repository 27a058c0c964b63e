"""Gain of the best of three models, every score on every task, against the mean of the other draws (paper, figure 4).

Command   python -m experiments.figures.gain_by_task
Expected  results/figures/gain_by_task.{png,pdf} and .md
Hardware  1 CPU core, seconds; nothing is trained
"""

import numpy as np

from experiments.common.figure import Options, evidence, main, new_figure, save_figure, save_table
from lin_ft.benchmark.questions.zoo import best_of_models
from lin_ft.benchmark.resampling import mean, of_tasks


def draw(options: Options) -> None:
    core = evidence(options)
    results, truth = core.results, core.judge.truth
    rows = {
        "best": of_tasks(best_of_models(truth.accuracy) - truth.reference_accuracy),
        **core.table("gain_3"),
        "worst": of_tasks(-best_of_models(-truth.accuracy) - truth.reference_accuracy),
    }
    table = {name: 100 * values for name, values in rows.items()}
    inner = sorted((name for name in table if name not in ("best", "worst")), key=lambda name: -mean(table[name]))
    names = ["best", *inner, "worst"]
    lines = ["| score | " + " | ".join(results.tasks) + " | mean |", "| --- |" + " ---: |" * (len(results.tasks) + 1)]
    for name in names:
        cells = [f"{value:.1f}" for value in (*table[name], mean(table[name]))]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    save_table(lines, options, "gain_by_task")
    values = np.asarray([[*table[name], mean(table[name])] for name in names])
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
