"""Every score on the half of the tasks on which variants may be chosen, on the other half, and on all.

Beside them the five tasks of the packaged backbones (results/packaged), another zoo: with the development half they
are the tasks on which the default score was chosen.

Command   python -m experiments.figures.halves
Expected  results/figures/halves.md, the table of the README; the halves are those of configs/bench_core.py
Hardware  1 CPU core, seconds; nothing is trained
"""

import dataclasses

import numpy as np

from experiments.common.figure import RESULTS, Options, arrays, development, main, read, save_table
from lin_ft.benchmark import per_task
from lin_ft.benchmark.questions import over_tasks, shown
from lin_ft.benchmark.report import unfinished
from lin_ft.benchmark.resampling import mean
from lin_ft.benchmark.summary import STATISTICS

PACKAGED, PACKAGED_REFERENCE = RESULTS / "packaged" / "table.parquet", "imagenet_mobilenet_v2"
SAME = ("label_gradient_cka", "label_feature_cka", "label_gradient/zero", "kernel_target_alignment")
"""Equal to a row of ALWAYS, the last but for the label kernel's -1/(C - 1)."""
BEST = 6
"""Scores by their development half, beside those named in ALWAYS."""
ALWAYS = {
    "predicted_decrease": "predicted decrease of the loss (default)",
    "predicted_accuracy/random": "predicted accuracy (leave-one-out)",
    "predicted_loss/random": "predicted loss",
    "label_gradient_cosine": "Label-Gradient, cosine",
    "label_gradient/random": "Label-Gradient, centred kernel",
    "label_gradient_pearson": "Label-Gradient, Pearson",
    "paper_label_gradient": "Label-Gradient as in the paper",
    "label_feature_correlation": "Label-Feature Correlation, centred",
    "paper_label_feature": "Label-Feature Correlation as in the paper",
    "predicted_accuracy/zero": "linear probe (leave-one-out)",
    "nearest_neighbours": "k nearest neighbours (k = 3)",
    "logme": "LogME",
    "leep": "LEEP",
    "best on average on the other tasks (static)": "",
    "reference first (static)": "",
    "most parameters (static)": "",
    "random": "",
}


def draw(options: Options) -> None:
    results, scores, _ = arrays(options)
    half = np.isin(results.tasks, development())
    tables = {
        statistic: {name: per_task(STATISTICS[statistic], results, values) for name, values in scores.items()}
        for statistic in ("spearman", "regret_1", "regret_3")
    }
    order = tables["spearman"]
    names = [name for name in scores if np.isfinite(order[name]).any() or name == "random"]
    names = [name for name in names if name not in SAME]
    other, other_scores, _ = arrays(
        dataclasses.replace(options, table=PACKAGED, reference=PACKAGED_REFERENCE, shots=10)
    )
    elsewhere = {name: per_task(STATISTICS["spearman"], other, values) for name, values in other_scores.items()}

    def chosen_on(name: str) -> tuple[float, float]:
        """Means over the tasks of the packaged backbones, and over these and the development half."""
        beside = elsewhere.get(name, np.full((1, len(other.tasks)), np.nan)).mean(0)
        here = [mean(order[name][:, [place]]) for place in np.flatnonzero(half)]
        return float(beside.mean()), float(np.mean([*here, *beside]))

    names.sort(key=lambda name: -np.nan_to_num(chosen_on(name)[1], nan=-2))
    names = [name for place, name in enumerate(names) if place < BEST or name in ALWAYS]
    size = f"{len(results.models)} models, {half.sum()} + {(~half).sum()} tasks, {len(results.accuracy)} seeds"
    lines = [f"{size}, {options.shots} images a class; means with 95 % bootstrap intervals over tasks. Chosen on: the"]
    lines += [f"development half and the {len(other.tasks)} tasks of the packaged backbones.", ""]
    lines += [line for line in unfinished(read(options), options.shots)] if "status" in read(options).columns else []
    heads = ("Spearman, development half", "packaged", "chosen on", "reported half", "all tasks of this matrix")
    lines += ["| " + " | ".join(["score", *heads, "points lost by the first", "of three"]) + " |"]
    lines += ["| --- |" + " ---: |" * (len(heads) + 2)]
    for name in names:
        values = order[name]
        cells = [f"{mean(values[:, half]):.2f}", *(f"{value:.2f}" for value in chosen_on(name))]
        cells += [shown(over_tasks(values[:, ~half])), shown(over_tasks(values))]
        cells += [shown(over_tasks(tables["regret_1"][name]), 100.0, 1)]
        cells += [f"{100 * mean(tables['regret_3'][name]):.1f}"]
        cells = ["–" if "nan" in cell else cell for cell in cells]
        lines.append(f"| {ALWAYS.get(name) or name.replace('_', ' ')} | " + " | ".join(cells) + " |")
    save_table(lines, options, "halves")


if __name__ == "__main__":
    main(draw)
