"""What selecting costs, in fine-tunings of the reference model (paper, table 3).

Command   python -m experiments.figures.cost
Expected  results/figures/cost.md
Hardware  1 CPU core, seconds; nothing is trained
"""

import numpy as np

from experiments.common.figure import NoData, Options, main, read, save_table
from lin_ft.benchmark.collect import works


def draw(options: Options) -> None:
    seconds: dict[str, dict[tuple, float]] = {"finetune": {}, "scores": {}}
    for row in works(read(options)).iter_rows(named=True):
        if row["shots"] == options.shots:
            of_part, key = seconds[row["part"]], (row["model"], row["task"], row["seed"])
            of_part[key] = of_part.get(key, 0.0) + row["work_seconds"]
    both = seconds["finetune"].keys() & seconds["scores"].keys()
    unit = [seconds["finetune"][key] for key in both if key[0] == options.bench.reference]
    if not unit:
        raise NoData("the table has no seconds of the reference")
    one, n_models = float(np.mean(unit)), len({model for model, _, _ in both})
    tuning, scoring = (float(np.mean([of_part[key] for key in both])) for of_part in seconds.values())
    costs = {
        f"fine-tuning all {n_models} models": n_models * tuning,
        f"scoring all {n_models} models": n_models * scoring,
        "fine-tuning the first three": 3 * tuning,
    }
    costs["scoring all and fine-tuning three"] = n_models * scoring + 3 * tuning
    lines = [f"One fine-tuning of {options.bench.reference}: {one:.1f} s, mean over tasks and draws.", ""]
    lines += ["| | fine-tunings of the reference |", "| --- | ---: |"]
    lines += [f"| {name} | {cost / one:.2f} |" for name, cost in costs.items()]
    save_table(lines, options, "cost")


if __name__ == "__main__":
    main(draw)
