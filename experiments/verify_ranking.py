"""Is the ranking right? Every (task, model) pair is predicted from 10 shots a class, then fine-tuned for real.

Command   python -m experiments.verify_ranking run --out experiments/results/verify   (again: goes on where it stopped)
          python -m experiments.verify_ranking table --out experiments/results/verify --markdown results.md
Expected  one JSON file a cell; a table of predicted and measured accuracy, with rank correlations, for the README
Hardware  2 CPU cores: about a minute a cell; `--part 0/2` and `--part 1/2` share the cells between two processes
"""

import dataclasses
import json
import time
from collections import Counter
from pathlib import Path

import numpy as np
import tyro

from lin_ft.benchmark.correlation import spearman
from lin_ft.benchmark.selection import regret
from lin_ft.data import load_task
from lin_ft.files.atomic import write_atomically
from lin_ft.finetune import FinetuneConfig, finetune
from lin_ft.provenance import commit, device
from lin_ft.ranking import RankConfig, View, describe
from lin_ft.scores.nearest_neighbours import nearest_neighbours
from lin_ft.zoo import named_zoo, select_models

TASKS = ("optdigits", "satimage", "hebrew_glyphs", "osu_leaf", "openmoji_color", "thai_glyphs")
"""Targets that no model of the zoo was trained on."""
COMPARED_HEADS = ("random", "zero")
"""zero: the kernel of the features alone, so its leave-one-out accuracy is that of a linear probe."""


@dataclasses.dataclass(frozen=True)
class Run:
    """Fill the cells that are missing."""

    out: Path = Path("experiments/results/verify")
    zoo: str = "embedded"
    tasks: tuple[str, ...] = TASKS
    models: tuple[str, ...] = ()
    shots: int = 10
    seeds: tuple[int, ...] = (0,)
    steps: int = 150
    learning_rates: tuple[float, ...] = (0.01, 0.03)
    part: str = "0/1"
    """I/K: every K-th cell from the I-th on."""

    def run(self) -> None:
        zoo = named_zoo(self.zoo)
        zoo = select_models(zoo, self.models) if self.models else zoo
        config = FinetuneConfig(steps=self.steps, learning_rates=self.learning_rates)
        index, count = map(int, self.part.split("/"))
        cells = [(task, seed, model) for seed in self.seeds for task in self.tasks for model in zoo]
        for name, seed, model in cells[index::count]:
            path = self.out / f"{name}-{self.shots}shot-seed{seed}-{model.name}.json"
            if path.exists():
                continue
            began = time.monotonic()
            task = load_task(name, shots=self.shots, seed=seed)
            cell = {"task": name, "shots": self.shots, "seed": seed, "model": model.name, "n": task.n}
            cell["n_classes"] = task.n_classes
            view = View(model, task, RankConfig(seed=seed))
            for head in COMPARED_HEADS:
                row = describe(view.under(head=head))
                cell[head] = {key: value for key, value in dataclasses.asdict(row).items() if key != "measured"}
            cell["k_nearest_neighbours"] = nearest_neighbours(view.features, task.train.labels)
            result = finetune(model, task, dataclasses.replace(config, seed=seed))
            cell["finetuned"] = {k: v for k, v in result.as_dict().items() if k not in ("correct", "curve")}
            cell["source_accuracy"] = model.card.test_accuracy
            cell["config"] = dataclasses.asdict(config)
            cell["weights_sha256"] = model.card.sha256
            cell["commit"] = commit()
            cell["hardware"] = device()
            cell["seconds"] = round(time.monotonic() - began, 1)
            text = json.dumps(cell, indent=1, default=float) + "\n"
            write_atomically(path, lambda temporary, text=text: temporary.write_text(text))
            print(
                f"{path.name}: predicted {cell['random']['predicted_accuracy']:.3f}"
                f" fine-tuned {result.test_accuracy:.3f} ({cell['seconds']} s)",
                flush=True,
            )


SCORES = {
    "predicted accuracy (leave-one-out, random head)": lambda c: (
        c["random"]["predicted_accuracy"] - 1e-6 * c["random"]["predicted_loss"]
    ),
    "predicted loss (leave-one-out, random head)": lambda c: -c["random"]["predicted_loss"],
    "Label-Gradient (normalised)": lambda c: c["random"]["label_gradient"],
    "Label-Feature Correlation": lambda c: c["random"]["label_feature_correlation"],
    "linear probe (leave-one-out accuracy)": lambda c: (
        c["zero"]["predicted_accuracy"] - 1e-6 * c["zero"]["predicted_loss"]
    ),
    "linear probe (leave-one-out loss)": lambda c: -c["zero"]["predicted_loss"],
    "k nearest neighbours (k = 3)": lambda c: c["k_nearest_neighbours"],
    "source test accuracy (static)": lambda c: c["source_accuracy"],
}
PREDICTORS = {
    "predicted accuracy (leave-one-out, random head)": "random",
    "linear probe (leave-one-out accuracy)": "zero",
}
"""Scores that are accuracies, so that they can be compared with the measured one."""


def qualities(cells: list[dict]) -> dict[str, dict[str, tuple[float, float, float]]]:
    """For each score and task: (Spearman with fine-tuned accuracy over the models, regret of its first model in
    accuracy, mean absolute error of the accuracy it predicts or NaN)."""
    from scipy.stats import rankdata

    tasks = sorted({cell["task"] for cell in cells})
    models = sorted({cell["model"] for cell in cells})
    measured = {(cell["task"], cell["model"]): cell["finetuned"]["test_accuracy"] for cell in cells}
    table: dict[str, dict[str, tuple[float, float, float]]] = {}
    for task in tasks:
        by_model = {cell["model"]: cell for cell in cells if cell["task"] == task}
        truth = np.array([measured[task, model] for model in models])
        rows = {name: [score(by_model[model]) for model in models] for name, score in SCORES.items()}
        others = [t for t in tasks if t != task]
        if others:
            places = [rankdata([measured[t, m] for m in models]) for t in others]
            rows["best on average over the other tasks (static)"] = np.mean(places, axis=0).tolist()
        sizes = [float(by_model[model].get("n_params", 0)) for model in models]
        largest = "largest model (static)" if any(sizes) else "largest model (static; all are equal), or any at random"
        rows[largest] = sizes
        reference = by_model[models[0]].get("reference", "cifar10-resnet20")
        shown = {"cifar10-resnet20": "the CIFAR-10 model"}.get(reference, reference)
        rows[f"always {shown} (static)"] = [float(model == reference) for model in models]
        for name, values in rows.items():
            head = PREDICTORS.get(name)
            errors = (
                [abs(by_model[m][head]["predicted_accuracy"] - measured[task, m]) for m in models] if head else [np.nan]
            )
            ranked = name in SCORES or name.startswith(("best on average", "largest model (static)"))
            place = spearman(np.array(values), truth) if ranked else float("nan")
            row = (place, regret(np.array(values), truth), float(np.mean(errors)))
            table.setdefault(name, {})[task] = row
    return table


def interval(values: list[float], seed: int = 0) -> tuple[float, float]:
    """95 % percentile bootstrap over tasks."""
    rng = np.random.default_rng(seed)
    means = np.mean(rng.choice(values, (10_000, len(values))), axis=1)
    return float(np.quantile(means, 0.025)), float(np.quantile(means, 0.975))


@dataclasses.dataclass(frozen=True)
class Table:
    """Tables of all cells in a folder, as Markdown."""

    out: Path = Path("experiments/results/verify")
    markdown: Path | None = None

    def run(self) -> None:
        cells = [json.loads(path.read_text()) for path in sorted(self.out.glob("*.json"))]
        show(cells, self.markdown)


def show(cells: list[dict], markdown: Path | None) -> None:
    """Print the tables of each seed, of the tasks that have all models; and write them to `markdown`."""
    models = {cell["model"] for cell in cells}
    counts = Counter((cell["task"], cell["seed"]) for cell in cells)
    cells = [cell for cell in cells if counts[cell["task"], cell["seed"]] == len(models)]  # whole rows only
    lines = []
    for seed in sorted({cell["seed"] for cell in cells}):
        lines += tables([cell for cell in cells if cell["seed"] == seed])
    text = "\n".join(lines) + "\n"
    print(text)
    if markdown:
        write_atomically(markdown, lambda temporary: temporary.write_text(text))


def tables(cells: list[dict]) -> list[str]:
    tasks = sorted({cell["task"] for cell in cells})
    models = sorted({cell["model"] for cell in cells})
    by_key = {(cell["task"], cell["model"]): cell for cell in cells}
    lines = ["Predicted / measured test accuracy in percent, 10 images a class:", ""]
    lines += ["| model | " + " | ".join(tasks) + " |", "| --- |" + " --- |" * len(tasks)]
    for model in models:
        entries = []
        for task in tasks:
            cell = by_key[task, model]
            measured = cell["finetuned"]["test_accuracy"]
            best = measured == max(by_key[task, m]["finetuned"]["test_accuracy"] for m in models)
            shown = f"**{100 * measured:.1f}**" if best else f"{100 * measured:.1f}"
            entries.append(f"{100 * cell['random']['predicted_accuracy']:.0f} / {shown}")
        lines.append(f"| {model.removesuffix('-resnet20')} | " + " | ".join(entries) + " |")
    table = qualities(cells)
    lines += [
        "",
        f"Spearman correlation with the measured accuracy over {len(models)} models; regret: points of accuracy",
    ]
    lines += ["lost by fine-tuning only the first; error: mean |predicted - measured| in points:", ""]
    heads = [*tasks, "mean [95 %]", "regret", "error"]
    lines += ["| score | " + " | ".join(heads) + " |", "| --- |" + " --- |" * len(heads)]

    def mean(row: dict[str, tuple[float, float, float]], column: int) -> float:
        return float(np.mean([values[column] for values in row.values()]))

    for name, row in sorted(table.items(), key=lambda item: -np.nan_to_num(mean(item[1], 0), nan=-9)):
        values = [row[task][0] for task in tasks]
        shown = [f"{value:.2f}" if np.isfinite(value) else "-" for value in values]
        low, high = interval(values)
        shown.append(f"**{mean(row, 0):.2f}** [{low:.2f}, {high:.2f}]" if np.isfinite(low) else "-")
        shown.append(f"{100 * mean(row, 1):.1f}")
        shown.append(f"{100 * mean(row, 2):.1f}" if np.isfinite(mean(row, 2)) else "-")
        lines.append(f"| {name} | " + " | ".join(shown) + " |")
    return lines


if __name__ == "__main__":
    tyro.extras.subcommand_cli_from_dict({"run": Run, "table": Table}).run()
