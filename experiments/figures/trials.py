"""How many models must be fine-tuned until the best one is found, by score (paper, figure 6a).

Command   python -m experiments.figures.trials
Expected  results/figures/trials.{png,pdf}
Hardware  1 CPU core, seconds; nothing is trained
"""

from experiments.common.figure import Options, arrays, main, save
from lin_ft.benchmark import summarise
from lin_ft.report.interval_plot import plot_intervals


def draw(options: Options) -> None:
    results, scores, _ = arrays(options)
    rows = summarise(results, scores, ("trials_best",), repeats=options.repeats)
    dots = {row.score: (row.mean, *row.interval) for row in rows if row.statistic == "trials_best"}
    label = f"fine-tunings until the best of {len(results.models)} models is found (fewer is better)"
    save(lambda path: plot_intervals(dots, path, label=label), options, "trials")


if __name__ == "__main__":
    main(draw)
