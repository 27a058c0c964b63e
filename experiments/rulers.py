"""Our statistics and selectors on fine-tuning tables that others measured: sources, architectures, shots, a large zoo.

The tables are not part of the repository: `--rulers` is the folder that holds them; each section names its origin.

Command   python -m experiments.rulers --rulers ../shared/rulers
Expected  results/rulers.{json,md}: within one architecture the published scores order the sources (linear probe .50,
          mean rank elsewhere .62); across architectures none does (LogME -.15, mean rank elsewhere .59)
Hardware  1 CPU core, about a minute; no GPU, no network
"""

import csv
import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import tyro
from jaxtyping import Float

from lin_ft.benchmark import Judge, Results, critical_difference, markdown_table, summarise
from lin_ft.benchmark.architectures import ACROSS, SAME, count_pairs
from lin_ft.benchmark.questions.answer import with_interval
from lin_ft.benchmark.resampling import INTERVAL, over_tasks
from lin_ft.benchmark.static import (
    BEST_ON_AVERAGE,
    MOST_PARAMETERS,
    RANDOM,
    at_random,
    fixed,
    is_blind,
    leave_one_task_out,
)
from lin_ft.benchmark.summary import as_dict, rounded
from lin_ft.errors import InputError
from lin_ft.files.atomic import write_atomically
from lin_ft.selectors import Rung, learned_ranking, mixed, power_law, rank_features, successive_halving

STATISTICS = ("spearman", "weighted_tau", "regret_1", "regret_3", "trials_best")
PUBLISHED = {
    "lp": "linear_probe", "nleep": "n_leep", "leep": "leep", "logme": "logme", "ncti": "ncti", "parc": "parc",
    "sfda": "sfda", "fu": "fu",
}  # fmt: skip
"""Their name of a score -> ours; fu is the scores' authors' own."""
N_PARAMETERS = {"densenet201": 20.0, "inception_v3": 27.2, "resnet50": 25.6}
"""Millions, with ImageNet's head, as torchvision's documentation states them."""
MEDMNIST = "DovileDo/transferability-in-medical-imaging at 7e308c4 (MIT licence)"
ENTEZARI = "rahimentezari/DataDistributionTransferLearning at 6a8c78d"
SPIDER = "zhangyikaii/Model-Spider at d2a53e4"
SHOTS = ("1", "5", "10", "20", "full")

INTRODUCTION = """# Other people's fine-tuning tables under our statistics

What four public tables say of scores, priors and selectors; `python -m experiments.rulers --rulers FOLDER` makes this
page from them. Each has one measurement a pair, so there is no mean over draws and no noise ceiling. None of them holds
k-NN, and only one the sizes of its models. Points are of test accuracy.
"""


@dataclasses.dataclass(frozen=True)
class Ruler:
    """One table: what was measured, and everything that ranks its models."""

    title: str
    source: str
    """Where the numbers are from, and what is to be known about them."""
    results: Results
    scores: dict[str, Float[np.ndarray, "1 T M"]]
    published: tuple[str, ...] = ()
    """Of the scores: those that others computed for it."""


def medmnist_sources(folder: Path) -> Ruler:
    """One ResNet-18 from 15 sources; a source's own target has no entry."""
    accuracy = read(folder / "medmnist_source_test_acc.csv", drop=("chestmnist",))
    title = "One architecture: a ResNet-18 from 15 sources on 11 medical targets"
    text = (
        f"{MEDMNIST}: full fine-tuning at 224 pixels, 100 images a class, the run with the least validation loss, and"
        " its authors' values of eight scores. chestmnist, on which all models are alike, is left out."
    )
    return _medmnist(title, text, folder, accuracy, "dataset", "imagenet", groups=False)


def medmnist_architectures(folder: Path) -> Ruler:
    """Eight ImageNet architectures."""
    accuracy = read(folder / "medmnist_architecture_test_acc.csv")
    title = "Across architectures: 8 ImageNet networks on 11 medical targets"
    return _medmnist(title, f"{MEDMNIST}, as above.", folder, accuracy, "model", "densenet", groups=True)


def _medmnist(
    title: str, source: str, folder: Path, accuracy: "Grid", kind: str, reference: str, *, groups: bool
) -> Ruler:
    results = accuracy.results(reference, accuracy.models if groups else ())
    scores = {}
    for short, name in PUBLISHED.items():
        table = read(folder / "medmnist_scores" / f"{short}_{kind}.csv")
        scores[name] = np.where(np.isfinite(results.accuracy), table.on(results), np.nan)
    learned = {
        "learned (ridge): mean rank elsewhere and all published scores": learned_ranking(
            results, rank_features(scores)
        ),
        "mean of the ranks of all published scores": mean_of_ranks(scores.values()),
        "mean of the ranks: probe, N-LEEP and mean rank elsewhere": mean_of_ranks(
            [scores["linear_probe"], scores["n_leep"], leave_one_task_out(results)]
        ),
    }
    return Ruler(title, source, results, scores | blind(results) | learned, tuple(scores))


def few_shots(folder: Path, shots: str = "10") -> Ruler:
    """Seven pre-training sets of a CLIP ResNet-50: fine-tunings with fewer images foretell one with more."""
    grids = entezari(folder)
    fewer = [count for count in SHOTS if SHOTS.index(count) < SHOTS.index(shots)]
    fewer = fewer if shots != "full" else fewer[:-1]  # one target lacks 20 images a class
    truth = grids[shots].complete()
    results = truth.results(truth.models[0], ())
    scores = {f"accuracy at {count} images a class": grids[count].on(results) for count in fewer}
    searched = {}
    if len(fewer) > 1 and shots != "full":
        searched["power law through fewer images"] = extrapolated(
            results, [grids[count].on(results) for count in fewer], [float(count) for count in fewer], float(shots)
        )
    few = scores[f"accuracy at {fewer[-1]} images a class"]
    static = leave_one_task_out(results)
    searched |= {
        "learned (ridge): mean rank elsewhere and all fine-tunings with fewer images": learned_ranking(
            results, rank_features(scores)
        ),
        f"successive halving: mean rank elsewhere, then {fewer[-1]} images": halved(results, static, few),
        f"mean of the ranks: {fewer[-1]} images and mean rank elsewhere": mean_of_ranks([few, static]),
    }
    text = (
        f"{ENTEZARI}: CLIP ResNet-50, complete for 7 of its pre-training sets on 9 targets (8 at 20 images); of each"
        " pair the best of its hyper-parameters by test accuracy, which flatters, and one draw of the images."
    )
    images = "all images" if shots == "full" else f"{shots} images a class"
    return Ruler(
        f"Few images foretell more: {len(results.models)} pre-training sets on {len(results.tasks)} targets, {images}",
        text,
        results,
        scores | blind(results) | searched,
    )


def spider(folder: Path) -> Ruler:
    """Three architectures from 22 sources, full data."""
    with open(folder / "model_spider_66x7.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    tasks = [name for name in rows[0] if name not in ("", "architecture", "source")]
    models = tuple(row[""] for row in rows)
    values = np.asarray([[float(row[task]) / 100 for row in rows] for task in tasks])
    grid = Grid(models, tuple(tasks), values)
    groups = tuple(row["architecture"] for row in rows)
    results = grid.results(models[0], groups)
    sizes = fixed(results, [N_PARAMETERS[group] for group in groups])
    text = f"{SPIDER}: full data. Sizes of the models as torchvision states them; no scores are published beside it."
    return Ruler(
        "Same and different architectures: 3 networks from 22 sources on 7 targets",
        text,
        results,
        blind(results) | {MOST_PARAMETERS: sizes},
    )


TABLES = {
    "medmnist_sources": medmnist_sources,
    "medmnist_architectures": medmnist_architectures,
    "few_shots_10": few_shots,
    "few_shots_20": lambda folder: few_shots(folder, "20"),
    "few_shots_full": lambda folder: few_shots(folder, "full"),
    "spider": spider,
}


@dataclasses.dataclass(frozen=True)
class Grid:
    """One number for each task and model; NaN where there is none."""

    models: tuple[str, ...]
    tasks: tuple[str, ...]
    values: Float[np.ndarray, "T M"]

    def complete(self) -> "Grid":
        """Without the tasks that lack a model."""
        kept = [place for place, row in enumerate(self.values) if np.isfinite(row).all()]
        return Grid(self.models, tuple(self.tasks[place] for place in kept), self.values[kept])

    def results(self, reference: str, groups: Sequence[str]) -> Results:
        return Results(self.models, self.tasks, self.values[None], reference, tuple(groups))

    def on(self, results: Results) -> Float[np.ndarray, "1 T M"]:
        """The same pairs as the results have. Raises InputError for a pair that is not there."""
        lacking = [name for name in (*results.models, *results.tasks) if name not in (*self.models, *self.tasks)]
        if lacking:
            raise InputError(f"The table lacks {', '.join(lacking)}.")
        index = [self.tasks.index(task) for task in results.tasks], [self.models.index(m) for m in results.models]
        return self.values[np.ix_(*index)][None]


def read(path: Path, *, drop: Sequence[str] = ()) -> Grid:
    """A CSV with a column "source" of models and one column a task; an empty field is no value."""
    if not path.exists():
        raise InputError(f"{path} is not there; give the folder of the tables by --rulers.")
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    tasks = [name for name in rows[0] if name not in ("", "source", *drop)]
    values = [[float(row[task]) if row[task] else np.nan for row in rows] for task in tasks]
    return Grid(tuple(row["source"] for row in rows), tuple(tasks), np.asarray(values))


def entezari(folder: Path) -> dict[str, Grid]:
    """Images a class -> the best accuracy of each pair over its settings, of the sources with all targets at ten."""
    with open(folder / "entezari_fewshot_runs.csv", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if (row["loss"], row["arch"]) == ("CLIP", "RN50")]
    tasks = tuple(sorted({row["ds"] for row in rows}))
    best: dict[tuple[str, str, str], float] = {}
    for row in rows:
        for shots in SHOTS:
            if row[shots]:
                key = shots, row["ds"], row["us"]
                best[key] = max(best.get(key, 0.0), float(row[shots]) / 100)
    sources = tuple(
        source for source in sorted({row["us"] for row in rows}) if all(("10", task, source) in best for task in tasks)
    )
    return {
        shots: Grid(sources, tasks, np.asarray([[best.get((shots, t, m), np.nan) for m in sources] for t in tasks]))
        for shots in SHOTS
    }


def blind(results: Results) -> dict[str, Float[np.ndarray, "1 T M"]]:
    return {BEST_ON_AVERAGE: leave_one_task_out(results), RANDOM: at_random(results)}


def mean_of_ranks(scores: Iterable[Float[np.ndarray, "1 T M"]]) -> Float[np.ndarray, "1 T M"]:
    """Equal weights; a model that any of them lacks has none."""
    tables = list(scores)
    features = rank_features({str(place): values for place, values in enumerate(tables)})
    known = np.isfinite(np.stack(tables)).all(axis=0)
    return np.where(known, features.mean(axis=-1), np.nan)


def extrapolated(
    results: Results, fewer: Sequence[Float[np.ndarray, "1 T M"]], sizes: Sequence[float], at: float
) -> Float[np.ndarray, "1 T M"]:
    """Minus the error at `at` images on the power law through fewer."""
    scores = np.zeros(results.accuracy.shape)
    for index in np.ndindex(*scores.shape):
        errors = np.maximum(1 - np.asarray([values[index] for values in fewer]), 1e-3)
        scores[index] = -float(power_law(np.asarray(sizes), errors)(at))
    return scores


def halved(
    results: Results, static: Float[np.ndarray, "1 T M"], few: Float[np.ndarray, "1 T M"]
) -> Float[np.ndarray, "1 T M"]:
    """All models by the mean rank elsewhere, half of them then by a fine-tuning with few images, mixed with it."""
    scores = np.zeros(results.accuracy.shape)
    for t in range(len(results.tasks)):
        prior, measured = (dict(zip(results.models, values[0, t].tolist(), strict=True)) for values in (static, few))
        both = mixed(prior, measured)
        keep = (len(results.models) + 1) // 2
        stages = [Rung("prior", prior.__getitem__, keep), Rung("few", both.__getitem__, 1)]
        scores[0, t] = successive_halving(results.models, stages).scores(results.models)
    return scores


def section(ruler: Ruler) -> tuple[list[str], dict]:
    """Markdown and numbers of one table."""
    results = ruler.results
    judge = Judge(results, ruler.scores)
    counts = count_pairs(results)
    kinds = [kind for kind in (SAME, ACROSS) if counts[kind] and results.groups and counts[SAME]]
    rows = summarise(judge, (*STATISTICS, *kinds))
    table = judge.table("spearman")
    targeted = [name for name in table if not is_blind(name)]
    group = critical_difference(table, compared=targeted if len(targeted) > 1 else ())
    size = f"{len(results.models)} models, {len(results.tasks)} tasks"
    lines = [f"## {ruler.title}", "", ruler.source, ""]
    lines += [
        f"{size}. {INTERVAL}. Bold: within {group.difference:.2f} of the best in Spearman, the smallest difference"
    ]
    lines += ["that so many tasks can show (80 % power).", ""]
    lines += [*markdown_table(rows, (*STATISTICS, *kinds), bold=group.group), ""]
    if ruler.published:
        best = max(ruler.published, key=lambda name: float(np.nanmean(table[name])))
        difference = over_tasks(table[BEST_ON_AVERAGE] - table[best])
        lines += [f"The mean rank on the other tasks minus the best published score here, {best}:"]
        lines[-1] += f" {with_interval(difference)} in Spearman."
        ranking = [name for name in ruler.published if over_tasks(table[name])[1] > 0]
        lines[-1] += f" {len(ranking)} of {len(ruler.published)} published scores order the models better than chance."
        lines += [""]
    values = {"title": ruler.title, "source": ruler.source, "smallest_difference": group.difference}
    return lines, values | {"group": list(group.group), "scores": as_dict(rows)}


def summary_of_kinds(values: Mapping[str, dict]) -> list[str]:
    """Same architecture and across architectures, side by side."""
    columns = {"medmnist_sources": "one architecture, 15 sources", "medmnist_architectures": "8 architectures"}
    names = [
        name for name in values["medmnist_sources"]["scores"] if name in values["medmnist_architectures"]["scores"]
    ]
    lines = [
        "## Same architecture and across architectures",
        "",
        f"Mean Spearman on the same medical targets. {INTERVAL}.",
    ]
    lines += ["", "| | " + " | ".join(columns.values()) + " |", "| --- | ---: | ---: |"]
    for name in names:
        cells = []
        for key in columns:
            entry = values[key]["scores"][name]["spearman"]
            cells.append("–" if entry["mean"] is None else with_interval((entry["mean"], *entry["interval"])))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return [*lines, ""]


@dataclasses.dataclass(frozen=True)
class Rulers:
    """Statistics and selectors on the tables of a folder."""

    rulers: Path = Path(__file__).parents[2] / "shared" / "rulers"
    out: Path = Path(__file__).parent / "results"

    def run(self) -> None:
        if not self.rulers.is_dir():
            raise InputError(f"{self.rulers} is no folder; give the one that holds the tables by --rulers.")
        lines, values = [], {}
        for name, load in TABLES.items():
            text, values[name] = section(load(self.rulers))
            lines += text
        lines = [INTRODUCTION, *summary_of_kinds(values), *lines]
        texts = {
            "rulers.md": "\n".join(lines).rstrip() + "\n",
            "rulers.json": json.dumps(rounded(values), indent=1) + "\n",
        }
        for name, text in texts.items():
            write_atomically(self.out / name, lambda temporary, text=text: temporary.write_text(text, encoding="utf-8"))
        print("\n".join(lines))


if __name__ == "__main__":
    tyro.cli(Rulers, config=(tyro.conf.OmitArgPrefixes,)).run()
