"""How well is accuracy at more images foretold? Learned and judged on tasks with many, each left out in turn.

Of each task's sample of up to 32 images a class, a quarter or an eighth plays the images that a user has; what ridge
regression with the tangent kernel reaches on the others, trained on half, twice or four times as many, is the truth.
Where the matrix of real fine-tuning has 5 or 20 images a class beside 10, growth is held against that as well.

Command   python -m experiments.gain.curve              the table, from stored rows and the core matrix
          python -m experiments.gain.curve --compute    the missing rows first, resumed where they were left
          python -m experiments.gain.curve --fit        and write the coefficients of the package
Expected  results/gain/curve.md, results/gain/curve.json
Hardware  1 CPU core: rows 5 minutes; the table a second
"""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from experiments.common.figure import CONFIG, CORE, RESULTS
from experiments.gain.terms import sights_of
from lin_ft.benchmark.collect import finetuned, read_parquet
from lin_ft.benchmark.config import BenchConfig, load_config
from lin_ft.data import load_task
from lin_ft.errors import InputError
from lin_ft.files.atomic import write_atomically
from lin_ft.gain.curve import (
    LEVEL,
    PACKAGED,
    Growth,
    fit_growth,
    from_z,
    parts_of,
    save_growth,
    slope_of,
    to_z,
)  # fmt: skip
from lin_ft.gain.evidence import MATCHINGS, RIDGES
from lin_ft.predict import balanced_accuracy, decompose, matchings, select
from lin_ft.provenance import provenance
from lin_ft.ranking import RankConfig, View
from lin_ft.scores import encode
from lin_ft.zoo import named_zoo, select_models

MODELS = ("cifar10-resnet20", "latin_glyphs-resnet20")
SHOTS, N = 32, 400
"""At most so many images a class, and in all."""
DRAWS = 4
"""Of what the user has, within one sample."""
HELD = (0.25, 0.5, 2.0, 4.0)


@dataclasses.dataclass(frozen=True)
class Options:
    compute: bool = False
    """First the rows that are missing."""
    fit: bool = False
    """Write the package's coefficients, fitted on all rows."""
    tasks: tuple[str, ...] = ()
    models: tuple[str, ...] = MODELS
    table: Path = CORE
    config: Path = CONFIG
    out: Path = RESULTS / "gain"
    growth: Path = PACKAGED
    """Where --fit writes."""
    kernels: Path | None = None
    """Folder with the kernels of `python -m experiments.gain --compute`, for the slopes of the matrix's own draws."""


def main(options: Options) -> None:
    config = load_config(options.config)
    path = options.out / "curve.json"
    stored = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"made": {}, "rows": [], "slopes": {}}
    if options.compute:
        compute(options, config, stored, path)
    if options.kernels:
        slopes_of_matrix(options, config, stored, path)
    rows = [row for row in stored["rows"] if not options.tasks or row["task"] in options.tasks]
    if len({row["task"] for row in rows}) < 3:
        raise InputError("curve: rows of fewer than three tasks; first `python -m experiments.gain.curve --compute`.")
    growth = fitted(rows)
    text = report(rows, growth, against_fine_tuning(options, stored["slopes"], growth))
    write_atomically(options.out / "curve.md", lambda temporary: temporary.write_text(text, encoding="utf-8"))
    if options.fit:
        tasks = sorted({row["task"] for row in rows})
        save_growth(growth, {"tasks": tasks, "models": sorted({row["model"] for row in rows}), **provenance()},
                    options.growth)  # fmt: skip
    print(text)


# Rows: a task, a model, a number of images, a draw of them


def compute(options: Options, config: BenchConfig, stored: dict[str, Any], path: Path) -> None:
    """A task at a time."""
    zoo = select_models(named_zoo(config.zoo), options.models)
    for name in options.tasks or config.tasks:
        if {row["model"] for row in stored["rows"] if row["task"] == name} >= set(options.models):
            continue
        counts = load_task(name, shots="all", seed=0, max_test=1).train.counts()
        shots = 8 * (min(SHOTS, int(counts.min()), N // len(counts)) // 8)
        if shots < 16:
            continue  # four images a class, of which none could be an eighth
        task = load_task(name, shots=shots, seed=0, max_test=1)
        for model in zoo:
            view = View(model, task, RankConfig(probes=config.probes, seed=0, head="random", statistics="target"))
            stored["rows"] += rows_of(np.asarray(view.kernel, np.float64), view.labels, name, model.name, shots)
        _write(stored, path)
        print(f"rows of {name}, {shots} images a class", flush=True)


def rows_of(kernel: np.ndarray, labels: np.ndarray, task: str, model: str, shots: int) -> list[dict[str, Any]]:
    """For a quarter and an eighth of the images: what its parts say, and the truth at HELD times as many."""
    rng, n_classes = np.random.default_rng(0), len(np.unique(labels))
    rows = []
    for k in (shots // 4, shots // 8):
        told, truths = [], []
        for draw in range(DRAWS):
            order = np.stack([rng.permutation(np.flatnonzero(labels == label)) for label in range(n_classes)])
            mine = np.sort(order[:, :k].ravel())
            parts = parts_of(kernel[np.ix_(mine, mine)], labels[mine], seed=draw)
            told.append(parts)
            truths.append([_reached(kernel, labels, order[:, : max(1, round(h * k))]) for h in (*HELD, 1.0)])
        z = to_z(np.mean(truths, 0), n_classes, len(labels))
        for parts in told:
            rows.append(
                {
                    "task": task, "model": model, "shots": k, "n_classes": n_classes,
                    "slope": round(slope_of(parts, n_classes, k * n_classes), 4),
                    "parts": {f"{part:.4f}": round(value, 4) for part, value in parts.items()},
                    "truth": {f"{h:g}": round(float(value), 4) for h, value in zip((*HELD, 1.0), np.mean(truths, 0),
                                                                                  strict=True)},
                    "growth": {f"{h:g}": round(float(z[i] - z[-1]), 4) for i, h in enumerate(HELD)},
                }
            )  # fmt: skip
    return rows


def _reached(kernel: np.ndarray, labels: np.ndarray, chosen: np.ndarray) -> float:
    """Balanced accuracy on the images that were not `chosen`, (C, k); of all chosen, one of each class left out."""
    mine = np.sort(chosen.ravel())
    y, block = labels[mine], kernel[np.ix_(mine, mine)]
    targets = encode(y, len(chosen)) - 1 / len(chosen)
    spectrum = decompose(block)
    ridge = 0.1 * spectrum.scale
    if chosen.shape[1] > 1:
        folds = matchings(y, MATCHINGS, seed=0)
        found = select(spectrum, targets, y, [np.inf], [r * spectrum.scale for r in RIDGES], folds=folds)
        if len(mine) == len(labels):
            return balanced_accuracy(found.correct, y)
        ridge = found.ridge
    rest = np.setdiff1d(np.arange(len(labels)), mine)
    weights = np.linalg.solve(block + ridge * np.eye(len(mine)), targets)
    right = (kernel[np.ix_(rest, mine)] @ weights).argmax(1) == labels[rest]
    return balanced_accuracy(right.astype(np.float64), labels[rest])


def slopes_of_matrix(options: Options, config: BenchConfig, stored: dict[str, Any], path: Path) -> None:
    """TASK|DRAW -> model -> slope, of the draws whose kernels are in the folder."""
    zoo = select_models(named_zoo(config.zoo), config.models)
    folder = options.kernels or Path()
    for name in config.tasks:
        for draw in config.seeds:
            key = f"{name}|{draw}"
            if key in stored["slopes"] or not (folder / f"{name}-{draw}.npz").exists():
                continue
            sights, labels = sights_of(config, zoo, name, draw, folder)
            n_classes = len(np.unique(labels))
            stored["slopes"][key] = {
                model: round(slope_of(parts_of(_whole(each["target"]), labels, seed=draw), n_classes, len(labels)), 4)
                for model, each in sights.items()
            }
    _write(stored, path)


def _whole(sight: Any) -> np.ndarray:
    features = np.asarray(sight.features, np.float64)
    return features @ features.T + 1 + sight.backbone


def _write(stored: dict[str, Any], path: Path) -> None:
    stored["made"] = provenance()
    text = json.dumps(stored, indent=0) + "\n"
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


# Judgement


def fitted(rows: Sequence[dict[str, Any]]) -> dict[float, Growth]:
    tasks, slopes = [row["task"] for row in rows], np.array([row["slope"] for row in rows])
    return {h: fit_growth(slopes, np.array([row["growth"][f"{h:g}"] for row in rows]), tasks) for h in HELD}


def judged(rows: Sequence[dict[str, Any]], h: float) -> dict[str, float]:
    """Mean absolute errors in points of the accuracy at h times the images, the one at 1 given; and coverage."""
    errors: dict[str, list[float]] = {"learned": [], "unchanged": [], "power law": []}
    inside, width = [], []
    for task in sorted({row["task"] for row in rows}):
        others = [row for row in rows if row["task"] != task]
        g = fit_growth(np.array([row["slope"] for row in others]), np.array([r["growth"][f"{h:g}"] for r in others]),
                       [row["task"] for row in others])  # fmt: skip
        for row in rows:
            if row["task"] != task:
                continue
            n = row["shots"] * row["n_classes"]
            now, truth = row["truth"]["1"], row["truth"][f"{h:g}"]
            z = to_z(now, row["n_classes"], n) + g.a + g.b * row["slope"]
            told, low, high = from_z(z + g.sd * LEVEL * np.array([0, -1, 1]), row["n_classes"])
            errors["learned"].append(abs(told - truth))
            errors["unchanged"].append(abs(now - truth))
            errors["power law"].append(abs(_power_law(row, h) - truth))
            inside.append(low <= truth <= high)
            width.append(high - low)
    return {name: 100 * float(np.mean(each)) for name, each in errors.items()} | {
        "covers": float(np.mean(inside)), "width": 100 * float(np.mean(width)), "n": len(inside),
    }  # fmt: skip


def _power_law(row: dict[str, Any], h: float) -> float:
    """Of the error rate through the points, from the accuracy that is given: 1 - (1 - now) h^(-b)."""
    x = np.log([float(part) for part in row["parts"]])
    errors = np.log(np.clip(1 - np.array(list(row["parts"].values())), 1e-3, 1))
    b = -np.polyfit(x, errors, 1)[0] if len(x) > 1 else 0.0
    return 1 - (1 - row["truth"]["1"]) * h**-b


def against_fine_tuning(
    options: Options, slopes: dict[str, dict[str, float]], growth: dict[float, Growth]
) -> dict[float, dict[str, float]]:
    """Horizon -> errors in points of the mean accuracy over draws at other numbers of images, that at 10 given."""
    table, config = read_parquet(options.table), load_config(options.config)
    means: dict[tuple[str, str, int], list[float]] = {}
    for row in finetuned(table).filter(finetuned(table)["test_accuracy"].is_not_null()).iter_rows(named=True):
        means.setdefault((row["task"], row["model"], row["shots"]), []).append(row["test_accuracy"])
    classes = {row["task"]: row["n_classes"] for row in table.iter_rows(named=True)}
    found = {}
    for h, g in growth.items():
        shots, errors = h * config.shots[0], []
        for (task, model, at), values in means.items():
            drawn = [each[model] for key, each in slopes.items() if key.rpartition("|")[0] == task and model in each]
            if at != shots or not drawn or (task, model, config.shots[0]) not in means:
                continue
            now, truth = float(np.mean(means[task, model, config.shots[0]])), float(np.mean(values))
            z = to_z(now, classes[task], 10_000) + g.a + g.b * np.mean(drawn)
            told, low, high = from_z(z + g.sd * LEVEL * np.array([0, -1, 1]), classes[task])
            errors.append((abs(told - truth), abs(now - truth), low <= truth <= high))
        if errors:
            learned, unchanged, covers = np.mean(errors, 0)
            found[h] = {"learned": 100 * learned, "unchanged": 100 * unchanged, "covers": covers, "n": len(errors)}
    return found


def report(rows: Sequence[dict[str, Any]], growth: dict[float, Growth], tuned: dict[float, dict[str, float]]) -> str:
    tasks, models = sorted({row["task"] for row in rows}), sorted({row["model"] for row in rows})
    lines = [
        "# Accuracy with more images",
        "",
        f"`python -m experiments.gain.curve`; {len(tasks)} tasks, {len(models)} models, n of"
        f" {min(r['shots'] for r in rows)} to {max(r['shots'] for r in rows)} images a class. Ridge regression with the"
        " tangent kernel, on images that it was not trained on; every task is foretold from the others, the accuracy at"
        " n given. Points.",
        "",
        "| images | error of the learned curve | of no change | of a power law | 90 % covers | width | a, b, sd |",
        "| --- | --: | --: | --: | --: | --: | --- |",
    ]
    for h, g in growth.items():
        row = judged(rows, h)
        lines.append(
            f"| {h:g} n | {row['learned']:.1f} | {row['unchanged']:.1f} | {row['power law']:.1f} |"
            f" {row['covers']:.2f} | {row['width']:.1f} | {g.a:+.2f}, {g.b:.2f}, {g.sd:.2f} |"
        )
    lines += ["", "## Against real fine-tuning", ""]
    if not tuned:
        lines.append(
            "Not measured: the matrix has no fine-tuning at 5 or 20 images a class yet, or no slopes (--kernels)."
        )
    for h, row in tuned.items():
        lines.append(
            f"- {h:g} n: off by {row['learned']:.1f} points, no change by {row['unchanged']:.1f}; the 90 % interval"
            f" covers {row['covers']:.2f} ({row['n']:.0f} models and tasks)."
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(tyro.cli(Options))
