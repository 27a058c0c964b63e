"""The report of a benchmark: what was measured, every score and static ranking by every statistic, figures."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lin_ft.benchmark.ceiling import noise_ceiling
from lin_ft.benchmark.collect import FAMILY, matrix, of_models, of_rates, score_names
from lin_ft.benchmark.comparison import critical_difference, paired_tests
from lin_ft.benchmark.config import BenchConfig
from lin_ft.benchmark.prediction_error import calibration
from lin_ft.benchmark.questions import (
    SAME,
    answers,
    linearized_against_real,
    markdown,
    single_against_multi_domain,
)
from lin_ft.benchmark.resampling import mean, per_task
from lin_ft.benchmark.results import Results
from lin_ft.benchmark.selection import gain_curve
from lin_ft.benchmark.static import always, at_random, fixed, leave_one_task_out
from lin_ft.benchmark.summary import STATISTICS, as_dict, markdown_table, rounded, summarise
from lin_ft.errors import InputError
from lin_ft.files.atomic import write_atomically

if TYPE_CHECKING:
    import polars

COLUMNS = ("spearman", "within", "kendall", "weighted_tau", "pearson")
CHOICE = ("gain_1", "gain_3", "regret_1", "regret_3", "trials_1_point", "trials_best")
STATIC = "best on average on the other tasks (static)"
CURVES = 5
"""Scores in the figure of gains, beside the static rankings."""


def write_report(
    table: "polars.DataFrame",
    config: BenchConfig,
    folder: Path,
    *,
    command: str = "",
    repeats: int = 1000,
    linearized: "polars.DataFrame | None" = None,
) -> list[Path]:
    """report.md, report.json and figures of a collected table. Returns what was written.

    `linearized`: the table of the same benchmark with the linearized network, to be compared by learning rate.
    """
    from lin_ft.report.critical_difference_plot import plot_critical_difference
    from lin_ft.report.gain_curve_plot import plot_gain_curves

    if not table.height or not table["test_accuracy"].count():
        raise InputError("The table holds no fine-tuned accuracy yet; run more cells first.")
    lines, values, paths = [f"# Benchmark {config.name}", ""], {}, []
    lines += [*_made_by(table, command), ""]
    for shots in sorted(set(table["shots"].to_list())):
        results, scores, facts = matrix(table, shots, config.reference)
        empty = sorted(set(score_names(table)) - scores.keys())
        scores = {**scores, **static_rankings(results, facts)}
        title = f"{shots} images a class" if shots else "all training images"
        lines += [
            f"## {title}: {len(results.models)} models, {len(results.tasks)} tasks, {len(results.accuracy)} seeds",
            "",
        ]
        lines += [*measured(results), "", *diverged(table, shots), *unfinished(table, shots)]
        text, unrankable = ceilings(results)
        lines += text
        values[str(shots)] = entry = {}
        found = answers(results, scores, config.development)
        if linearized is not None:
            rates = of_rates(table, shots, config.reference), of_rates(linearized, shots, config.reference)
            found += [row for row in [linearized_against_real(*rates)] if row]
        families, sources = of_models(table, FAMILY), of_models(table, "source")
        found += [row for row in [single_against_multi_domain(results, families, sources)] if row]
        lines += ["### Does it hold?", "", *markdown(found)]
        entry["questions"] = {row.question: {"sentence": row.sentence, **row.numbers} for row in found}
        developed = [task for task in results.tasks if task in config.development]
        rest = [task for task in results.tasks if task not in developed]
        subsets: dict[str, list[str]] = {"all tasks": list(results.tasks)}
        if unrankable and len(unrankable) + 2 <= len(results.tasks):
            subsets["without tasks that noise decides"] = [t for t in results.tasks if t not in unrankable]
        if developed and rest:
            subsets |= {"development tasks": developed, "tasks kept for the report": rest}
        for name, tasks in subsets.items():
            part, cut = cut_to(results, scores, tasks)
            rows = summarise(part, cut, repeats=repeats)
            entry[name] = as_dict(rows)
            columns = [column for column in COLUMNS if column != "within" or len(set(part.groups)) > 1]
            lines += [f"### Scores, {name} ({len(tasks)})", "", *markdown_table(rows, columns), ""]
            lines += [*markdown_table(rows, CHOICE, "regret_1"), ""]
        if empty:
            lines += [f"Without a value here (`lin-ft scores info NAME` says what each needs): {', '.join(empty)}.", ""]
        lines += calibrations(results, scores)
        correlations = {
            name: np.asarray([mean(column) for column in per_task(STATISTICS["spearman"], results, array).T])
            for name, array in scores.items()
        }
        correlations = {name: row for name, row in correlations.items() if np.isfinite(row).any()}
        if len(results.tasks) > 1 and len(correlations) > 1:
            lines += tests(correlations)
            result = critical_difference(correlations)
            for suffix in ("png", "pdf"):
                paths.append(folder / f"critical_difference_{shots}shot.{suffix}")
                plot_critical_difference(result, paths[-1], f"{config.name}: Spearman, {title}")
        curves = gains(results, scores)
        for suffix in ("png", "pdf"):
            paths.append(folder / f"gain_{shots}shot.{suffix}")
            plot_gain_curves(curves, paths[-1], f"{config.name}: {title}, {len(results.tasks)} tasks")
    texts = {"report.md": "\n".join(lines) + "\n", "report.json": json.dumps(rounded(values), indent=1) + "\n"}
    for name, text in texts.items():
        write_atomically(folder / name, lambda temporary, text=text: temporary.write_text(text, encoding="utf-8"))
    return [folder / name for name in texts] + paths


def static_rankings(results: Results, facts: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Rows of every table that never look at the target."""
    rows = {"reference first (static)": always(results, (results.reference,)), "random": at_random(results)}
    if len(results.tasks) > 1:
        rows[STATIC] = leave_one_task_out(results)
    rows["most parameters (static)"] = fixed(results, facts["n_params"].tolist())
    rows["best on its source (static)"] = fixed(results, facts["source_test_accuracy"].tolist())
    return rows


def cut_to(
    results: Results, scores: Mapping[str, np.ndarray], tasks: list[str]
) -> tuple[Results, dict[str, np.ndarray]]:
    index = [results.tasks.index(task) for task in tasks]
    return results.take(tasks), {name: values[:, index] for name, values in scores.items()}


def measured(results: Results) -> list[str]:
    """Fine-tuned accuracy, mean over seeds, the best of each task in bold."""
    accuracy = results.mean()
    lines = ["Fine-tuned test accuracy in percent, mean over seeds:", ""]
    lines += ["| model | " + " | ".join(results.tasks) + " |", "| --- |" + " ---: |" * len(results.tasks)]
    best = np.nanmax(accuracy, axis=1)
    for place, model in enumerate(results.models):
        cells = []
        for value, top in zip(accuracy[:, place], best, strict=True):
            text = "–" if np.isnan(value) else f"{100 * value:.1f}"
            cells.append(f"**{text}**" if value == top else text)
        name = f"{model} (reference)" if model == results.reference else model
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def diverged(table: "polars.DataFrame", shots: int) -> list[str]:
    rows = [row for row in table.iter_rows(named=True) if row["shots"] == shots and row["status"] == "diverged"]
    if not rows:
        return []
    names = ", ".join(f"{row['model']} on {row['task']} (seed {row['seed']})" for row in rows)
    return [f"Diverged at every learning rate, left out: {names}.", ""]


def unfinished(table: "polars.DataFrame", shots: int) -> list[str]:
    """How many fine-tunings are still to come, of each seed."""
    rows = [row for row in table.iter_rows(named=True) if row["shots"] == shots]
    missing = [row["seed"] for row in rows if row["test_accuracy"] is None and row["status"] != "diverged"]
    if not missing:
        return []
    seeds = ", ".join(f"{missing.count(seed)} of seed {seed}" for seed in sorted(set(missing)))
    return [f"**Not complete: {len(missing)} of {len(rows)} fine-tunings are missing** ({seeds}).", ""]


def ceilings(results: Results) -> tuple[list[str], list[str]]:
    """Markdown, and the tasks where models differ less than seeds do."""
    if len(results.accuracy) < 2:
        return ["One seed: no noise ceiling.", ""], []
    rows = noise_ceiling(results)
    lines = ["Noise ceiling: what a perfect score would reach against one seed, and against their mean.", ""]
    lines += ["| task | Spearman between seeds | ceiling, one seed | ceiling, mean | spread of models | of seeds | |"]
    lines += ["| --- |" + " ---: |" * 5 + " --- |"]
    for row in rows:
        numbers = f"{row.agreement:.2f} | {row.ceiling_single:.2f} | {row.ceiling_mean:.2f}"
        spreads = f"{100 * row.model_spread:.1f} | {100 * row.seed_spread:.1f}"
        if np.isnan(row.agreement):
            numbers, spreads = "– | – | –", "– | –"
        lines.append(f"| {row.task} | {numbers} | {spreads} | {'' if row.rankable else 'noise decides'} |")
    return [*lines, ""], [row.task for row in rows if not row.rankable]


def calibrations(results: Results, scores: Mapping[str, np.ndarray]) -> list[str]:
    """Of every predicted accuracy, and of the gain over the reference predicted with it."""
    lines = ["Predicted accuracy and gain against the measured ones, in points (slope: measured on predicted):", ""]
    lines += ["| prediction | mean absolute error | bias | slope | gain: error | gain: slope |"]
    lines += ["| --- |" + " ---: |" * 5]
    place = results.models.index(results.reference)
    for name, values in scores.items():
        if name.startswith("predicted_accuracy") and np.isfinite(values).any():
            level = calibration(values, results.accuracy)
            gain = calibration(values - values[:, :, [place]], results.accuracy - results.accuracy[:, :, [place]])
            numbers = f"{100 * level.mean_absolute_error:.1f} | {100 * level.bias:+.1f} | {level.slope:.2f}"
            lines.append(f"| {name} | {numbers} | {100 * gain.mean_absolute_error:.1f} | {gain.slope:.2f} |")
    return [*lines, ""] if len(lines) > 4 else []


def tests(correlations: Mapping[str, np.ndarray]) -> list[str]:
    """The best score by mean Spearman against every other."""
    best = max(correlations, key=lambda name: mean(correlations[name]))
    rows = paired_tests(correlations, against=best)
    lines = [f"Spearman of {best}, the best here and so flattered, minus that of each other score", ""]
    lines[0] += " (sign-flip test over tasks, Holm):"
    lines += ["| score | difference | p | p (Holm) |", "| --- | ---: | ---: | ---: |"]
    lines += [f"| {row.second} | {row.difference:+.2f} | {row.p:.3f} | {row.p_holm:.3f} |" for row in rows]
    return [*lines, ""]


def gains(results: Results, scores: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Mean gain in points by number of models tried, of the static rankings and the best scores by its area."""
    reference = results.reference_accuracy
    curves = {}
    for name, values in scores.items():
        rows = [
            gain_curve(values[s, t], results.accuracy[s, t], float(reference[s, t]))
            for s in range(len(values))
            for t in range(len(results.tasks))
            if np.isfinite(reference[s, t])
        ]
        curves[name] = 100 * np.mean(rows, axis=0)
    static = [name for name in curves if name == "random" or name.endswith("(static)")]
    best = sorted((name for name in curves if name not in (*static, *SAME)), key=lambda name: -curves[name].mean())[
        :CURVES
    ]
    return {name: curves[name] for name in [*best, *static]}


def _made_by(table: "polars.DataFrame", command: str) -> list[str]:
    """Command, hardware, hours, commits."""

    def values(suffix: str) -> list[Any]:
        columns = [table[f"{part}_{suffix}"] for part in ("scores", "finetune") if f"{part}_{suffix}" in table.columns]
        return [value for column in columns for value in column.to_list() if value is not None]

    hours = sum(values("seconds")) / 3600
    lines = [f"Command `{command}`. " if command else ""]
    lines[0] += f"{hours:.2f} device-hours on {', '.join(sorted(set(values('device'))))};"
    lines[0] += f" peak memory {max(values('peak_memory_mb')):.0f} MB."
    commits = sorted({str(commit)[:12] + ("+" if str(commit).endswith("+") else "") for commit in values("commit")})
    lines.append(f"Commits {', '.join(commits)}. Versions {'; '.join(sorted(set(values('versions'))))}.")
    return lines
