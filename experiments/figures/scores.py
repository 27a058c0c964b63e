"""The table of the README: twelve rows, the scores one would use, what needs no score, and a real fine-tuning.

Command   python -m experiments.figures.scores
Expected  results/figures/scores.md; all scores and statistics are in docs/results/scores.md
Hardware  1 CPU core, seconds; nothing is trained
"""

import dataclasses

import numpy as np

from experiments.common.figure import CONFIGS, RESULTS, NoData, Options, evidence, main, save_table
from lin_ft.benchmark import Evidence, over_tasks, summarise
from lin_ft.benchmark.questions.names import COSINE_FORM, DEFAULT, is_label_gradient
from lin_ft.benchmark.questions.order import told_apart
from lin_ft.benchmark.resampling import mean
from lin_ft.benchmark.static import BEST_ON_AVERAGE, FINE_TUNED, MOST_PARAMETERS, RANDOM
from lin_ft.benchmark.summary import caption, number, shown

PACKAGED = RESULTS / "packaged" / "table.parquet"
ROWS = {
    FINE_TUNED: "every model fine-tuned on another draw",
    DEFAULT: "predicted decrease of the loss",
    "predicted_accuracy (random, image)": "predicted accuracy (leave-one-out)",
    "label_feature_cka": "Label-Feature Correlation, centred",
    "logme": "LogME",
    "nearest_neighbours": "k nearest neighbours (k = 3)",
    "linear_probe": "linear probe (leave-one-out)",
    BEST_ON_AVERAGE: "best on average on the other tasks",
    MOST_PARAMETERS: "most parameters",
    RANDOM: "random",
}
"""Label in tables -> name in the README; beside these the best form of Label-Gradient and the best other score."""
STATISTICS = ("spearman", "weighted_tau", "regret_1", "regret_3", "trials_best")
MOST_ROWS = 12


def draw(options: Options) -> None:
    core = evidence(options)
    try:
        packaged = evidence(
            dataclasses.replace(options, table=PACKAGED, config=CONFIGS / "bench_packaged.py", shots=10, reference="")
        )
    except NoData:
        packaged = None
    named = rows(core)
    summaries = {(row.score, row.statistic): row for row in summarise(core.judge, STATISTICS)}
    order = sorted(named, key=lambda name: -np.nan_to_num(summaries[name, "spearman"].mean, nan=-2))
    group = told_apart(core)
    lines = [f"{caption(core.judge)} Bold: not told from the best score by this matrix (difference in Spearman below"]
    lines += [
        f"{group.difference:.2f}, 80 % power). Packaged: mean Spearman over backbones of different architectures.",
        "",
    ]
    heads = ["Spearman", "one draw", "weighted tau", "points lost by the first", "by the best of three", "trials"]
    lines += ["| " + " | ".join(["score", *heads, "packaged"]) + " |", "| --- |" + " ---: |" * (len(heads) + 1)]
    for name in order:
        row = summaries[name, "spearman"]
        own = np.nan if row.one_draw is None else row.one_draw[0]
        cells = [shown((row.mean, *row.interval)), number(own)]
        cells += [number(summaries[name, "weighted_tau"].mean, "weighted_tau")]
        lost = summaries[name, "regret_1"]
        cells += [shown((lost.mean, *lost.interval), "regret_1")]
        cells += [number(summaries[name, statistic].mean, statistic) for statistic in ("regret_3", "trials_best")]
        cells.append(elsewhere(packaged, name))
        label = f"**{named[name]}**" if name in group.group else named[name]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    save_table(lines, options, "scores")


def rows(core: Evidence) -> dict[str, str]:
    """At most twelve, those of ROWS that are there and the best by mean Spearman of two kinds."""
    table = {name: values for name, values in core.table("spearman").items() if name in core.targeted}
    best = sorted(table, key=lambda name: -mean(table[name]))
    gradient = [name for name in best if is_label_gradient(name)][:1]
    chosen = {name: said for name, said in ROWS.items() if name in core.scores}
    forms = {COSINE_FORM: "cosine", "paper_label_gradient": "as in the paper"}
    chosen |= {name: f"Label-Gradient ({forms.get(name, name.rpartition('_')[2])})" for name in gradient}
    for name in best:
        if name not in chosen and not is_label_gradient(name):
            chosen[name] = f"{name} (best other score here)"
            break
    return dict(list(chosen.items())[:MOST_ROWS])


def elsewhere(packaged: Evidence | None, name: str) -> str:
    if packaged is None or name not in packaged.scores:
        return "–"
    return number(over_tasks(packaged.of_task("spearman", name))[0])


if __name__ == "__main__":
    main(draw)
