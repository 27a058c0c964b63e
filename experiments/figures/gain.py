"""The headline: accuracy gained over always fine-tuning the reference, by the number of models tried (paper, figure 4).

Command   python -m experiments.figures.gain
Expected  results/figures/gain.{png,pdf}
Hardware  1 CPU core, seconds; nothing is trained
"""

from experiments.common.figure import Options, arrays, main, save
from lin_ft.benchmark.report import gains
from lin_ft.report.gain_curve_plot import plot_gain_curves


def draw(options: Options) -> None:
    results, scores, _ = arrays(options)
    curves = gains(results, scores)
    title = f"{len(results.models)} models, {len(results.tasks)} tasks, {options.shots} images a class"
    save(lambda path: plot_gain_curves(curves, path, title), options, "gain")


if __name__ == "__main__":
    main(draw)
