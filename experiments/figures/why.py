"""Where does a score rank well, and what goes with it: the head, the number of images, classes, the spread of models?

Command   python -m experiments.figures.why
Expected  results/figures/why.md: each task with the rank correlations of the main scores, then how these go with what
          the tasks are like, and what the random head adds to the zero one
Hardware  1 CPU core, seconds; nothing is trained
"""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from experiments.common.figure import Options, evidence, main, read, save_table
from lin_ft.benchmark import noise_ceiling, over_tasks, reachable, spearman
from lin_ft.benchmark.collect import finetuned
from lin_ft.benchmark.questions.answer import with_interval
from lin_ft.benchmark.resampling import interval_of, mean, redrawn
from lin_ft.benchmark.score_names import columns_of
from lin_ft.benchmark.summary import Estimate
from lin_ft.benchmark.truth import of_all_draws

SCORES = {
    ("label_gradient_cka", ""): "Label-Gradient",
    ("label_feature_cka", ""): "Label-Gradient, zero head",
    ("label_gradient_pearson", ""): "Label-Gradient, Pearson",
    ("predicted_accuracy", "random"): "predicted accuracy",
    ("predicted_accuracy", "zero"): "predicted accuracy, zero head",
    ("predicted_decrease", ""): "predicted decrease",
    ("nearest_neighbours", ""): "nearest neighbours",
}
"""(Score, head where a table has several), each image left out: its name here."""
PAIRS = (("Label-Gradient", "Label-Gradient, zero head"), ("predicted accuracy", "predicted accuracy, zero head"))


def draw(options: Options) -> None:
    core = evidence(options)
    results = core.results
    rows = list(finetuned(read(options), options.shots).iter_rows(named=True))
    of_task = {row["task"]: row for row in rows}
    table: dict[str, np.ndarray] = {}
    for label in core.targeted:
        score, head, left_out = columns_of(label)
        if (score, head) in SCORES and left_out != "shot":
            table[SCORES[score, head]] = core.of_task("spearman", label)
    properties = {
        title: np.asarray([of_task[task][column] for task in results.tasks], float)
        for title, column in (("images", "n"), ("classes", "n_classes"))
        if column in rows[0]
    }
    properties["spread of the models"] = np.asarray([100 * np.nanstd(row) for row in of_all_draws(results)])
    if len(results.accuracy) > 1:
        properties["noise ceiling"] = np.asarray(
            [reachable(row.agreement, row.n_draws - 1) for row in noise_ceiling(results)]
        )
    lines = ["Spearman of each score with the mean accuracy of the other draws:", ""]
    lines += _table({**properties, **table}, results.tasks, properties)
    lines += ["", "Does a task on which a score ranks well have more of something? Spearman over the tasks [95 %]:", ""]
    lines += ["| score | " + " | ".join(properties) + " |", "| --- |" + " ---: |" * len(properties)]
    for name in table:
        cells = [with_interval(_over_tasks(table[name], column)) for column in properties.values()]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    for first, second in PAIRS:
        if first in table and second in table:
            difference = with_interval(over_tasks(table[first] - table[second]))
            lines += ["", f"{first} minus {second}: {difference} in Spearman."]
    save_table(lines, options, "why")


def _over_tasks(values: Float[np.ndarray, " T"], column: Float[np.ndarray, " T"], repeats: int = 2000) -> Estimate:
    """Spearman and its bootstrap interval over tasks."""
    known = np.isfinite(values) & np.isfinite(column)
    values, column = values[known], column[known]
    draws = redrawn(len(values), repeats, 0) if len(values) else np.zeros((0, 0), int)
    samples = np.asarray([spearman(values[draw], column[draw]) for draw in draws])
    return (spearman(values, column), *interval_of(samples, len(values)))


def _table(
    columns: Mapping[str, np.ndarray], tasks: tuple[str, ...], properties: Mapping[str, np.ndarray]
) -> list[str]:
    digits = {"images": 0, "classes": 0, "spread of the models": 1}
    lines = ["| task | " + " | ".join(columns) + " |"]
    lines.append("| --- |" + " ---: |" * len(columns))
    for place, task in enumerate(tasks):
        cells = [f"{values[place]:.{digits.get(name, 2)}f}" for name, values in columns.items()]
        lines.append(f"| {task} | " + " | ".join("–" if cell == "nan" else cell for cell in cells) + " |")
    means = ["" if name in properties else f"**{mean(values):.2f}**" for name, values in columns.items()]
    return [*lines, "| mean | " + " | ".join(means) + " |"]


if __name__ == "__main__":
    main(draw)
