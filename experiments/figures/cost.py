"""What selecting costs, in fine-tunings of the reference model (paper, table 3).

Command   python -m experiments.figures.cost
Expected  results/figures/cost.md
Hardware  1 CPU core, seconds; nothing is trained
"""

import numpy as np

from experiments.common.figure import NoData, Options, main, read, save_table


def draw(options: Options) -> None:
    table = read(options)
    if not {"finetune_seconds", "scores_seconds"} <= set(table.columns):
        raise NoData("the table has no seconds")
    rows = [row for row in table.iter_rows(named=True) if row["shots"] == options.shots]
    rows = [row for row in rows if row["finetune_seconds"] and row["scores_seconds"]]
    unit = [row["finetune_seconds"] for row in rows if row["model"] == options.bench.reference]
    if not unit:
        raise NoData("the reference has no seconds")
    one, n_models = float(np.mean(unit)), len({row["model"] for row in rows})
    tuning, scoring = (float(np.mean([row[f"{part}_seconds"] for row in rows])) for part in ("finetune", "scores"))
    costs = {
        f"fine-tuning all {n_models} models": n_models * tuning,
        f"scoring all {n_models} models": n_models * scoring,
        "fine-tuning the first three": 3 * tuning,
    }
    costs["scoring all and fine-tuning three"] = n_models * scoring + 3 * tuning
    lines = [f"One fine-tuning of {options.bench.reference}: {one:.1f} s, mean over tasks and seeds.", ""]
    lines += ["| | fine-tunings of the reference |", "| --- | ---: |"]
    lines += [f"| {name} | {cost / one:.2f} |" for name, cost in costs.items()]
    save_table(lines, options, "cost")


if __name__ == "__main__":
    main(draw)
