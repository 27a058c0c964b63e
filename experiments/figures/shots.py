"""Does a zoo help more with fewer images? Gain over the reference by the number of images a class (paper, figure 1).

Command   python -m experiments.figures.shots
Expected  results/figures/shots.{png,pdf}
Hardware  1 CPU core, seconds; nothing is trained
"""

import numpy as np

from experiments.common.figure import NoData, Options, arrays, main, new_figure, read, save_figure
from lin_ft.benchmark import per_task
from lin_ft.benchmark.questions import over_tasks
from lin_ft.benchmark.summary import STATISTICS


def draw(options: Options) -> None:
    shots = sorted(set(read(options)["shots"].to_list()), key=lambda count: count or np.inf)
    if len(shots) < 2:
        raise NoData(f"the table has {shots[0]} images a class only")
    lines: dict[str, list[tuple[float, float, float]]] = {}
    for count in shots:
        results, scores, _ = arrays(options, count)
        lines.setdefault("best of the zoo", []).append(
            over_tasks(np.nanmax(results.accuracy, axis=2) - results.reference_accuracy)
        )
        for name in (n for n in scores if n.startswith("predicted_accuracy")):
            gain = per_task(STATISTICS["gain_3"], results, scores[name])
            lines.setdefault(f"best of three by {name}", []).append(over_tasks(gain))
    figure, axes = new_figure(6.5, 4.2)
    for (name, rows), marker, style in zip(lines.items(), "osD^", ("-", "--", "-.", ":"), strict=False):
        middle, low, high = (100 * np.asarray(column) for column in zip(*rows, strict=True))
        errors = [np.maximum(middle - low, 0), np.maximum(high - middle, 0)]
        axes.errorbar(range(len(shots)), middle, yerr=errors, marker=marker, ls=style, capsize=3, label=name)
    axes.axhline(0, color="0.7", lw=0.8)
    axes.set_xticks(range(len(shots)), [str(count or "all") for count in shots])
    axes.set(xlabel="training images a class", ylabel="gain over the reference (points)")
    axes.legend(fontsize=8)
    save_figure(figure, options, "shots")


if __name__ == "__main__":
    main(draw)
