"""Predicted gains of fine-tuning, every task left out in turn, against draws that were not used for fitting.

Command   python -m experiments.gain                  the table, from stored terms and the core matrix
          python -m experiments.gain --compute 0 1    the terms of these draws first, resumed where they were left
          python -m experiments.gain --fit            and write the coefficients and priors of the package
Expected  results/gain/core.md, results/gain/terms.json; the last line begins with `gain: error`
Hardware  1 CPU core: terms 2 to 6 s a model, task and draw; the table under a minute
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from experiments.common.figure import CONFIG, CORE, RESULTS
from lin_ft.benchmark.collect import matrix, read_parquet
from lin_ft.benchmark.config import BenchConfig, load_config
from lin_ft.data import load_task
from lin_ft.errors import InputError
from lin_ft.files.atomic import write_atomically
from lin_ft.files.cache import cache_dir
from lin_ft.gain import TERMS, Judged, Sight, fit, judge, judge_gains, leaving_tasks_out, standardised, terms
from lin_ft.gain.calibration import Calibration, Level, save
from lin_ft.gain.fit import draw_noise
from lin_ft.gain.judge import noisy
from lin_ft.predict import backbone_part
from lin_ft.provenance import provenance
from lin_ft.ranking import RankConfig, View
from lin_ft.zoo import named_zoo, select_models

FEATURES_ONLY = ("head_decrease/target", "head_decrease/source", "shots_loss_features/target")
"""The evidence without the tangent kernel beyond features."""


@dataclasses.dataclass(frozen=True)
class Options:
    compute: tuple[int, ...] = ()
    """Draws whose missing terms are computed first."""
    fit: bool = False
    """Write the package's calibration, fitted on all tasks and draws."""
    tasks: tuple[str, ...] = ()
    """Only these (default: all that have terms)."""
    models: tuple[str, ...] = ()
    table: Path = CORE
    config: Path = CONFIG
    out: Path = RESULTS / "gain"
    calibration: Path | None = None
    """Where --fit writes (default: in the package)."""
    kernels: Path | None = None
    """Folder that keeps features and kernels (default: in the cache)."""


def main(options: Options) -> None:
    config = load_config(options.config)
    for draw in options.compute:
        compute(options, config, draw)
    evidence, rows, names = judged(options, config)
    text = report(rows, *names)
    write_atomically(options.out / "core.md", lambda path: path.write_text(text, encoding="utf-8"))
    if options.fit:
        save(calibrated(evidence), *([options.calibration] if options.calibration else []))
    print(text)


# Terms of every model, task and draw


def compute(options: Options, config: BenchConfig, draw: int) -> None:
    """Fill results/gain/terms.json; a task of a draw at a time, its kernels kept on disk."""
    zoo = select_models(named_zoo(config.zoo), options.models or config.models)
    stored = _stored(options)
    for name in options.tasks or config.tasks:
        key = f"{name}|{draw}"
        if set(stored["terms"].get(key, {})) >= {model.name for model in zoo}:
            continue
        sights, labels = _sights(options, config, zoo, name, draw)
        found = {model: terms(sights[model], labels, seed=draw) for model in sights}
        stored["terms"][key] = {model: {k: round(v, 6) for k, v in each.items()} for model, each in found.items()}
        stored["made"] = provenance()
        text = json.dumps(stored, indent=0) + "\n"
        write_atomically(options.out / "terms.json", lambda path, text=text: path.write_text(text, encoding="utf-8"))
        print(f"terms of {name}, draw {draw}", flush=True)


def _sights(options: Options, config: BenchConfig, zoo: Any, name: str, draw: int) -> tuple[dict[str, Any], np.ndarray]:
    folder = options.kernels or cache_dir() / "gain" / config.name
    path = folder / f"{Path(name).name}-{draw}.npz"
    if not path.exists():
        side = config.side(zoo[0].card.image_size)
        task = load_task(name, shots=config.shots[0], seed=draw, size=side, max_test=config.max_test)
        arrays: dict[str, np.ndarray] = {"labels": np.asarray(task.train.labels)}
        for model in zoo:
            for kind in ("source", "target"):
                view = View(model, task, RankConfig(probes=config.probes, seed=draw, head="random", statistics=kind))
                arrays[f"{model.name}|{kind}|F"] = view.features.astype(np.float32)
                arrays[f"{model.name}|{kind}|B"] = backbone_part(view.kernel, view.features).astype(np.float32)
        write_atomically(path, lambda temporary: _save(temporary, arrays))
    with np.load(path) as held:
        labels = held["labels"]
        return {
            model.name: {
                kind: Sight(held[f"{model.name}|{kind}|F"], held[f"{model.name}|{kind}|B"].astype(np.float64))
                for kind in ("source", "target")
            }
            for model in zoo
        }, labels


def _save(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with path.open("wb") as file:
        np.savez(file, **arrays)  # pyright: ignore[reportArgumentType]


def _stored(options: Options) -> dict[str, Any]:
    path = options.out / "terms.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"made": {}, "terms": {}}


# Judgement


@dataclasses.dataclass(frozen=True, eq=False)
class Matrix:
    """Accuracies in points of all draws, and terms of those that have any."""

    models: tuple[str, ...]
    tasks: tuple[str, ...]
    accuracy: np.ndarray
    """(S, T, M)"""
    drawn: tuple[int, ...]
    """Draws with terms, of the S."""
    terms: dict[str, np.ndarray]
    """Name -> (len(drawn), T, M)."""
    reference: int
    groups: list[str]
    families: list[str]
    n_classes: list[int]
    scores: dict[str, np.ndarray]
    made: dict[str, Any]

    def evidence(self, names: tuple[str, ...] = TERMS) -> np.ndarray:
        stacked = np.stack([self.terms[name] for name in names], -1)
        return np.stack([[standardised(task) for task in draw] for draw in stacked])


def read(options: Options, config: BenchConfig) -> Matrix:
    table, stored = read_parquet(options.table), _stored(options)
    results, scores, _ = matrix(table, config.shots[0], config.reference)
    seeds = sorted({key.rpartition("|")[2] for key in stored["terms"]}, key=int)
    tasks = [t for t in results.tasks if not options.tasks or t in options.tasks]
    drawn = [seed for seed in seeds if all(f"{t}|{seed}" in stored["terms"] for t in tasks)]
    if not drawn:
        tasks = [task for task in tasks if f"{task}|{seeds[0] if seeds else 0}" in stored["terms"]]
        drawn = seeds[:1]
    if len(tasks) < 3:
        raise InputError("gain: terms of fewer than three tasks; first `python -m experiments.gain --compute 0`.")
    index = [results.tasks.index(task) for task in tasks]
    names = sorted(next(iter(next(iter(stored["terms"].values())).values())))
    found = {
        name: np.array([[[stored["terms"][f"{t}|{s}"][m][name] for m in results.models] for t in tasks] for s in drawn])
        for name in names
    }
    rows = {row["model"]: row for row in table.iter_rows(named=True)}
    classes = {row["task"]: row["n_classes"] for row in table.iter_rows(named=True)}
    accuracy = 100 * results.accuracy[:, index]
    whole = np.isfinite(accuracy).all((1, 2))
    return Matrix(
        models=results.models, tasks=tuple(tasks), accuracy=accuracy[whole],
        drawn=tuple(int(seed) for seed in drawn), terms=found, reference=results.models.index(config.reference),
        groups=[rows[m]["architecture"] for m in results.models], n_classes=[classes[t] for t in tasks],
        families=[rows[m].get("family") or "single" for m in results.models],
        scores={name: values[:, index] for name, values in scores.items()}, made=stored["made"],
    )  # fmt: skip


def judged(options: Options, config: BenchConfig) -> tuple[Matrix, dict[str, Judged], tuple[Any, ...]]:
    """Fitted on the first draw that has terms, with its terms; judged against the mean of all other draws."""
    data = read(options, config)
    fitted_on = data.drawn[0]
    others = [draw for draw in range(len(data.accuracy)) if draw != fitted_on]
    if not others:
        raise InputError("gain: one draw of fine-tuning; a second one is needed to judge by.")
    measured, first = data.accuracy[others].mean(0), data.accuracy[[fitted_on]]
    draw = draw_noise(data.accuracy)
    groups = ["one"] * len(data.models) if len(set(data.groups)) < 3 else data.groups

    def of(names: tuple[str, ...]) -> list[Any]:
        evidence = data.evidence(names)[:1] if names else np.zeros_like(first)
        return leaving_tasks_out(first, evidence, groups, data.reference, draws=data.accuracy)

    whole = of(TERMS)
    rows = {
        "prior and evidence": judge(whole, measured, draw=draw / np.sqrt(len(others))),
        "the same, features only": judge(of(FEATURES_ONLY), measured, draw=draw / np.sqrt(len(others))),
        "prior alone": judge(of(()), measured, draw=draw / np.sqrt(len(others))),
    }
    fractions = {
        "k nearest neighbours": "nearest_neighbours", "linear probe": "linear_probe",
        "one image left out": "kernel_loo_accuracy",
    }  # fmt: skip
    for label, name in fractions.items():
        if name in data.scores and np.isfinite(data.scores[name][fitted_on]).all():
            rows[label] = judge_gains(_gains(100 * data.scores[name][fitted_on], data), measured, data.reference)
    rows["one image of each class left out"] = judge_gains(
        _gains(100 * data.terms["shots_accuracy/target"][0], data), measured, data.reference
    )
    reference_first = np.zeros_like(measured)
    reference_first[:, data.reference] = 1e-9
    rows["no gain"] = judge_gains(reference_first, measured, data.reference)
    rows["another draw of fine-tuning"] = judge_gains(_gains(first[0], data), measured, data.reference)
    ranked = {
        "Label-Gradient (cka)": data.terms["label_gradient_cka/source"][0],
        "Label-Feature Correlation (cka)": data.terms["label_feature_cka/source"][0],
        **{name: data.scores[name][fitted_on] for name in ("predicted_decrease", "pactran_gaussian", "logme")
           if name in data.scores},
    }  # fmt: skip
    for label, values in ranked.items():
        only = judge_gains(values, measured, data.reference)
        rows[label] = dataclasses.replace(only, error=np.nan, bias=np.nan)
    best = np.asarray([noisy(each, draw / np.sqrt(len(others))).p_best.max() for each in whole])
    return data, rows, (data, config, len(others), draw, float(best.mean()))


def _gains(accuracy: np.ndarray, data: Matrix) -> np.ndarray:
    return accuracy - accuracy[:, [data.reference]]


def calibrated(data: Matrix) -> Calibration:
    """Fitted on everything there is."""
    groups = ["one"] * len(data.models) if len(set(data.groups)) < 3 else data.groups
    accuracy = data.accuracy[list(data.drawn)]
    fitted = fit(accuracy, data.evidence(), groups, data.reference, draw=draw_noise(data.accuracy))
    level = _level(data)
    means = {
        family: float(np.mean([p.mean for p, f in zip(fitted.priors, data.families, strict=True) if f == family]))
        for family in dict.fromkeys(data.families)
    }
    return Calibration(
        coefficients=fitted.coefficients, spread=fitted.spread,
        level=Level(float(level.mean()), float(level.std(ddof=1))),
        priors=dict(zip(data.models, fitted.priors, strict=True)), families=means, tasks=data.tasks,
        made={"reference": data.models[data.reference], "draws": list(data.drawn), "matrix": "core",
              "across": "not fitted: the same as within, as the matrix has one architecture", **provenance()},
    )  # fmt: skip


def _level(data: Matrix) -> np.ndarray:
    """Measured minus left-out accuracy of the reference, (T,), in points."""
    left_out = 100 * data.terms["shots_accuracy/target"].mean(0)[:, data.reference]
    return data.accuracy.mean(0)[:, data.reference] - left_out


def report(rows: dict[str, Judged], data: Matrix, config: BenchConfig, n_judged: int, draw: float, best: float) -> str:
    lines = [
        "# Predicted gains of fine-tuning",
        "",
        f"`python -m experiments.gain`; {len(data.models)} models, {len(data.tasks)} tasks; every task is predicted"
        f" from the others, fitted on draw {data.drawn[0]} with its terms, judged against the mean of {n_judged} other"
        f" draw(s). Points are accuracy points; one draw differs from its mean by {draw:.1f} (standard deviation).",
        "",
        "| predicted by | error | bias | 90 % covers | width | P(best), nats | first choice loses | Spearman |",
        "| --- | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for name, row in rows.items():
        cells = (row.error, row.bias, row.coverage, row.width, row.log_score, row.regret, row.spearman)
        digits = (1, 1, 2, 1, 2, 1, 2)
        texts = ["" if np.isnan(value) else f"{value:.{d}f}" for value, d in zip(cells, digits, strict=True)]
        lines.append(f"| {name} | {' | '.join(texts)} |")
    level = _level(data)
    image = (
        100 * data.scores["kernel_loo_accuracy"].mean(0)[:, data.reference]
        if "kernel_loo_accuracy" in data.scores
        else None
    )
    lines += ["", "Level of the reference: measured minus left-out accuracy, in points.", "",
              "| classes | tasks | one of each class left out: bias (error) | one image left out: bias (error) |",
              "| --- | --: | --: | --: |"]  # fmt: skip
    n_classes = np.asarray(data.n_classes)
    for low, high in ((2, 2), (3, 9), (10, 14), (15, 1000)):
        chosen = (n_classes >= low) & (n_classes <= high)
        if chosen.any():
            text = f"{low}" if low == high else f"{low} to {min(high, n_classes.max())}"
            shots = f"{level[chosen].mean():+.1f} ({np.abs(level[chosen]).mean():.1f})"
            gap = None if image is None else (data.accuracy.mean(0)[:, data.reference] - image)[chosen]
            single = "" if gap is None else f"{gap.mean():+.1f} ({np.abs(gap).mean():.1f})"
            lines.append(f"| {text} | {chosen.sum()} | {shots} | {single} |")
    top, none, other = rows["prior and evidence"], rows["no gain"], rows["another draw of fine-tuning"]
    lines += [
        "",
        f"gain: error {top.error:.1f} points (none {none.error:.1f}, another draw {other.error:.1f}), 90 % interval"
        f" covers {top.coverage:.2f}, P(best) {top.log_score:.2f} nats over uniform, first choice loses"
        f" {top.regret:.1f} points",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main(tyro.cli(Options))
