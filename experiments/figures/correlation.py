"""Rank correlation of every score with fine-tuned accuracy, with intervals (paper, figure 6b).

Command   python -m experiments.figures.correlation
Expected  results/figures/correlation.{png,pdf}
Hardware  1 CPU core, seconds; nothing is trained
"""

from experiments.common.figure import Options, arrays, main, save
from lin_ft.benchmark import summarise
from lin_ft.report.interval_plot import plot_intervals


def draw(options: Options) -> None:
    results, scores, _ = arrays(options)
    rows = summarise(results, scores, ("spearman",), repeats=options.repeats)
    dots = {row.score: (row.mean, *row.interval) for row in rows if row.statistic == "spearman"}
    label = f"Spearman with fine-tuned accuracy, mean over {len(results.tasks)} tasks"
    save(lambda path: plot_intervals(dots, path, label=label), options, "correlation")


if __name__ == "__main__":
    main(draw)
