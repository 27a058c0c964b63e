"""What the ablations share: every (task, model) pair scored by several variants, held against fine-tuned accuracies.

Each module of experiments/ablations names one choice and gives the values of its variants for one pair; this module
runs the pairs (again: goes on where it stopped), keeps the values in results/ablation_NAME.json, and writes the table
and the picture beside it. Kernels are kept in a folder of their own, since several scripts need the same ones. Variants
may be chosen here: of the core matrix, only the development half of the tasks is used.
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from experiments.common.figure import CORE, RESULTS, development
from lin_ft.benchmark import Judge, Results, Summary, caption, markdown_table, summarise
from lin_ft.benchmark.collect import finetuned, matrix, read_parquet
from lin_ft.benchmark.resampling import INTERVAL
from lin_ft.benchmark.static import BEST_ON_AVERAGE, fine_tuned, leave_one_task_out
from lin_ft.data import load_task
from lin_ft.errors import InputError
from lin_ft.files.atomic import write_atomically
from lin_ft.files.cache import cache_dir
from lin_ft.functions import with_head
from lin_ft.heads import init_head
from lin_ft.kernels import gram, probe_gram
from lin_ft.predict import decompose
from lin_ft.provenance import provenance
from lin_ft.ranking import RankConfig, View, predict_left_out
from lin_ft.report.interval_plot import plot_intervals
from lin_ft.scores import alignment, predicted_decrease
from lin_ft.zoo import named_zoo, select_models

STATISTICS = ("spearman", "weighted_tau", "regret_1", "regret_3", "trials_best")


@dataclasses.dataclass(frozen=True)
class Options:
    """Of every ablation."""

    truth: Path = CORE
    """A table that `lin-ft bench collect` wrote."""
    out: Path = RESULTS
    zoo: str = "embedded"
    models: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    """Default: the development half of configs/bench_core.py, or some of it; with another truth all of its tasks."""
    shots: int = 10
    seeds: tuple[int, ...] = (0,)
    kernels: Path | None = None
    """Folder that keeps kernels; default: in the cache folder."""
    only_report: bool = False
    """Tables and pictures from the values there are; nothing is computed."""


@dataclasses.dataclass(frozen=True, eq=False)
class Pair(View):
    """One model on one task: what variants are made of."""

    kernels: Path = Path()
    """Folder that keeps kernels, since several scripts need the same ones."""

    def params(self, head: str) -> Any:
        """The weights under a new head, a ridge head as well, which no ranking takes."""
        _, params = self.function
        key = jax.random.key(self.config.seed)
        return with_head(params, init_head(head, self.features, self.targets.astype(self.x.dtype), key))

    def variant(self, *, head: str = "random", output: str = "probes", **options: Any) -> np.ndarray:
        """`probe_gram` with the options of `lin-ft rank`, or `gram` where `output` is its; kept on disk."""
        if output == "probes" and head == "zero":
            return self.under(head="zero").kernel
        seed, settings = self.config.seed, {"head": head, "output": output, **options}
        name = f"{self.model.name}-{self.task.name}-{self.task.shots}-{seed}-{len(self.x)}-{settings}"
        digest = hashlib.sha256((name + self.model.card.sha256).encode()).hexdigest()[:16]
        path = self.kernels / f"{digest}.npy"
        if not path.exists():
            apply, params = self.function[0], self.params(head)
            if output == "probes":
                options = {"probes": 2, "trainable": "all"} | options
                kernel = probe_gram(apply, params, self.x, key=jax.random.key(seed), **options)
            else:
                kernel = gram(apply, params, self.x, output=output, **options)
            write_atomically(path, lambda temporary: _save(temporary, np.asarray(kernel)))
        return np.load(path, allow_pickle=False)

    def scored(
        self, name: str, kernel: np.ndarray, targets: np.ndarray | None = None, labels: np.ndarray | None = None
    ) -> dict[str, float]:
        """The three scores of a kernel that every ablation looks at; ties of the accuracy are broken by the loss."""
        targets, labels = self.targets if targets is None else targets, self.labels if labels is None else labels
        spectrum = decompose(kernel)
        prediction = predict_left_out(spectrum, targets, labels, self.config)
        return {
            f"{name}: predicted accuracy": prediction.accuracy - 1e-6 * prediction.loss,
            f"{name}: predicted decrease": predicted_decrease(kernel, targets, spectrum=spectrum),
            f"{name}: Label-Gradient": alignment(kernel, targets, form="cka"),
        }


Variants = Callable[[Pair], dict[str, float]]


def _made(earlier: dict[str, Any]) -> dict[str, Any]:
    """`provenance()`, its commit after those that the values kept from before were computed at."""
    now = provenance()
    commits = [*(earlier["commit"].split(", ") if earlier else []), now["commit"]]
    return now | {"commit": ", ".join(dict.fromkeys(commits))}


def run(name: str, title: str, variants: Variants, options: Options, tasks: Sequence[str] = ()) -> list[Summary]:
    """Fill the values that are missing, then write results/ablation_NAME.{json,md,png,pdf}.

    `tasks`: those of the core matrix to use by default, in place of its whole development half.
    """
    path = options.out / f"ablation_{name}.json"
    stored = json.loads(path.read_text()) if path.exists() else {}
    values: dict[str, dict[str, float]] = stored.get("values", {})
    made = stored.get("made", {})
    accuracies = truth(options.truth, options.shots)
    of_truth = tuple(sorted({task for task, _, _ in accuracies}))
    tasks = options.tasks or (tasks or development() if options.truth == CORE else of_truth)
    if not options.only_report:
        zoo = named_zoo(options.zoo)
        zoo = select_models(zoo, options.models) if options.models else zoo
        kernels = options.kernels or cache_dir() / "kernels"
        for seed in options.seeds:
            for source in tasks:
                todo = [m for m in zoo if (source, seed, m.name) in accuracies]
                todo = [m for m in todo if key_of(source, seed, m.name) not in values]
                task = load_task(_path(options.truth, source), shots=options.shots, seed=seed) if todo else None
                for model in todo:
                    assert task is not None
                    values[key_of(source, seed, model.name)] = variants(
                        Pair(model, task, RankConfig(seed=seed), kernels=kernels)
                    )
                    made = _made(made)
                    _write(path, {"title": title, "made": made, "values": values})
    results, scores = arrays(values, accuracies)
    judge = Judge(results, scores | baselines(options, results))
    rows = summarise(judge, STATISTICS)
    lines = [f"# Ablation: {title}", "", f"`python -m experiments.ablations.{name}`, {options.shots} images a class."]
    lines += [f"Computed at {made['commit']}; {made['device']}."] if made else []
    lines += [caption(judge), ""]
    lines += markdown_table(rows, STATISTICS)
    _write(path, {"title": title, "made": made, "values": values})
    text = "\n".join(lines) + "\n"
    write_atomically(path.with_suffix(".md"), lambda temporary: temporary.write_text(text, encoding="utf-8"))
    dots = {row.score: (row.mean, *row.interval) for row in rows if row.statistic == "spearman"}
    for suffix in (".png", ".pdf"):
        label = f"Spearman with fine-tuned accuracy\n{INTERVAL}"
        plot_intervals(dots, path.with_suffix(suffix), label=label, title=title)
    print(text)
    return list(rows)


def truth(path: Path, shots: int) -> dict[tuple[str, int, str], float]:
    """(task, seed, model) -> fine-tuned test accuracy."""
    rows = finetuned(read_parquet(path), shots).iter_rows(named=True)
    found = {(r["task"], r["seed"], r["model"]): r["test_accuracy"] for r in rows if r["test_accuracy"] is not None}
    if not found:
        raise InputError(f"{path}: no fine-tuned accuracy at {shots} shots; give a table of `lin-ft bench collect`.")
    return found


def arrays(
    values: dict[str, dict[str, float]], accuracies: dict[tuple[str, int, str], float]
) -> tuple[Results, dict[str, Float[np.ndarray, "S T M"]]]:
    """Variants of the pairs that have values, and the accuracies of these models and tasks in every draw.

    Tasks that lack a model in some draw keep the others.
    """
    keys = [key for key in accuracies if key_of(*key) in values]
    if not keys:
        raise InputError("No pair has both values and a fine-tuned accuracy; run the ablation first.")
    tasks, models = sorted({task for task, _, _ in keys}), sorted({model for _, _, model in keys})
    known = {key: accuracy for key, accuracy in accuracies.items() if key[0] in tasks and key[2] in models}
    seeds = sorted({seed for _, seed, _ in known})
    names = list(dict.fromkeys(name for key in keys for name in values[key_of(*key)]))
    shape = (len(seeds), len(tasks), len(models))
    accuracy, scores = np.full(shape, np.nan), {name: np.full(shape, np.nan) for name in names}
    for (task, seed, model), measured in known.items():
        place = seeds.index(seed), tasks.index(task), models.index(model)
        accuracy[place] = measured
        for name, value in values.get(key_of(task, seed, model), {}).items():
            scores[name][place] = np.nan if value is None else value
    reference = RankConfig().reference if RankConfig().reference in models else models[0]
    return Results(tuple(models), tuple(tasks), accuracy, reference), scores


def baselines(options: Options, results: Results) -> dict[str, Float[np.ndarray, "S T M"]]:
    """k-NN and the linear probe of the same models, tasks and draws, where the truth has them, the best on average on
    the other tasks, and a real fine-tuning on another draw."""
    rows = fine_tuned(results) | ({BEST_ON_AVERAGE: leave_one_task_out(results)} if len(results.tasks) > 1 else {})
    found, scores, _ = matrix(read_parquet(options.truth), options.shots, results.reference)
    if len(found.accuracy) != len(results.accuracy):
        return rows
    index = [found.tasks.index(task) for task in results.tasks], [found.models.index(m) for m in results.models]
    for name in ("nearest_neighbours", "linear_probe"):
        if name in scores:
            rows[name] = scores[name][:, index[0]][:, :, index[1]]
    return rows


def key_of(task: str, seed: int, model: str) -> str:
    return f"{Path(task).name} {seed} {model}"


def _path(truth: Path, task: str) -> str:
    """The truth's task, or a folder of that name beside it."""
    beside = truth.parent / task
    return str(beside) if beside.is_dir() else task


def _save(path: Path, array: np.ndarray) -> None:
    with open(path, "wb") as file:
        np.save(file, array)


def _write(path: Path, values: dict) -> None:
    text = json.dumps(values, indent=1) + "\n"
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
