"""The report of a benchmark: what was measured, and every question answered on a page of its own."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lin_ft.benchmark.collect import of_rates, works
from lin_ft.benchmark.config import BenchConfig
from lin_ft.benchmark.evidence import Evidence, evidence_of
from lin_ft.benchmark.pages import capital, digest, write_pages, write_text
from lin_ft.benchmark.questions import Answer, answers, does_the_order_hold, linearized_against_real, of_halves
from lin_ft.benchmark.questions.order import full_numbers
from lin_ft.benchmark.results import Results
from lin_ft.benchmark.score_names import repetitions
from lin_ft.benchmark.summary import rounded
from lin_ft.benchmark.truth import of_all_draws
from lin_ft.errors import InputError

if TYPE_CHECKING:
    import polars

SHOTS = "Does the order of the scores hold with other numbers of images?"
HALVES = "Does the order of the scores hold on other tasks?"


def write_report(
    table: "polars.DataFrame",
    config: BenchConfig,
    folder: Path,
    *,
    command: str = "",
    linearized: "polars.DataFrame | None" = None,
) -> list[Path]:
    """report.md, report.json, a page for each question and its figures (PNG, PDF). Returns what was written.

    `linearized`: the table of the same benchmark with the linearized network, to be compared by learning rate.
    """
    if not table.height or not table["test_accuracy"].count():
        raise InputError("The table holds no fine-tuned accuracy yet; run more cells first.")
    rows = of_all_shots(table, config)
    sections = {row.title: answers(row) for row in rows}
    for row, found in zip(rows, sections.values(), strict=True):
        if linearized is not None:
            found += _present(linearized_against_real(row.rates, of_rates(linearized, row.shots, config.reference)))
        found += on_other_tasks(row)
    others = with_other_shots(rows)
    lines = [f"# Benchmark {config.name}", "", *_made_by(table, command), ""]
    for row in rows:
        lines += [
            f"## {capital(row.title)}: {size(row)}",
            "",
            *measured(row),
            "",
            *digest({row.title: sections[row.title]}),
        ]
    for title, found in others.items():
        lines += [*digest({title: found})]
    values = {row.title: _values(sections[row.title], full_numbers(row)) for row in rows}
    values |= {title: _values(found) for title, found in others.items()}
    write_text(folder / "report.md", lines)
    write_text(folder / "report.json", [json.dumps(rounded(values), indent=1)])
    pages = write_pages(sections | others, folder, suffixes=("png", "pdf"))
    return [folder / "report.md", folder / "report.json", *pages]


def _values(found: Sequence[Answer], scores: Mapping[str, Any] | None = None) -> dict[str, Any]:
    questions = {
        row.slug: {"question": row.question, "verdict": row.verdict, "sentence": row.sentence, **row.numbers}
        for row in found
    }
    return {"questions": questions} | ({"scores": scores} if scores else {})


def of_all_shots(table: "polars.DataFrame", config: BenchConfig) -> list[Evidence]:
    """One for each number of shots, in the order of the configuration's, others after."""
    there = set(table["shots"].drop_nulls().to_list())
    ordered = [shots for part in config.parts for shots in part.shots if shots in there]
    return [evidence_of(table, shots, config) for shots in [*ordered, *sorted(there - {*ordered})]]


def on_other_tasks(row: Evidence) -> list[Answer]:
    """Whether the order of the scores on one half of the tasks holds on the other; empty where tasks are too few."""
    halves = of_halves(row)
    return _present(does_the_order_hold(*halves, slug="order_tasks", question=HALVES)) if halves else []


def with_other_shots(rows: Sequence[Evidence]) -> dict[str, list[Answer]]:
    """The first number of shots against each other one, each under a title of its own."""
    titles = [f"{rows[0].title} and {row.title}" for row in rows[1:]]
    found = [does_the_order_hold(rows[0], row, slug="order_shots", question=SHOTS) for row in rows[1:]]
    return {title: _present(answer) for title, answer in zip(titles, found, strict=True)}


def size(row: Evidence) -> str:
    """Size of the matrix in words: models, tasks and draws."""
    n = row.n_draws
    return f"{len(row.results.models)} models, {len(row.results.tasks)} tasks, {n} draw{'s' if n > 1 else ''}"


def measured(row: Evidence) -> list[str]:
    """Fine-tuned accuracy, the best of each task in bold, and what is not there."""
    results, accuracy = row.results, of_all_draws(row.results)
    lines = [f"Fine-tuned test accuracy in percent, mean over draws{gaps(results)}:", ""]
    lines += ["| model | " + " | ".join(results.tasks) + " |", "| --- |" + " ---: |" * len(results.tasks)]
    best = np.nanmax(accuracy, axis=1)
    for place, model in enumerate(results.models):
        cells = []
        for value, top in zip(accuracy[:, place], best, strict=True):
            text = "–" if np.isnan(value) else f"{100 * value:.1f}"
            cells.append(f"**{text}**" if value == top else text)
        name = f"{model} (reference)" if model == results.reference else model
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    if row.diverged:
        lines += ["", f"Diverged at every learning rate, left out: {', '.join(row.diverged)}."]
    if row.missing:
        left = ", ".join(f"{count} of draw {seed}" for seed, count in row.missing.items())
        lines += [
            "",
            f"**Not complete: {sum(row.missing.values())} of {row.planned} fine-tunings are missing** ({left}).",
        ]
    lines += left_out(row)
    if row.empty:
        lines += ["", f"Without a value here (`lin-ft scores info NAME` says what each needs): {', '.join(row.empty)}."]
    return lines + (["", repetitions(row.dropped)] if row.dropped else [])


def left_out(row: Evidence) -> list[str]:
    """Markdown: scores that are not yet computed wherever others are, by the draws that they are left out of."""
    alike: dict[tuple[tuple[int, int], ...], list[str]] = {}
    for name, missing in row.unfinished.items():
        alike.setdefault(tuple(missing.items()), []).append(name)
    lines = []
    for missing, names in alike.items():
        draws = ", ".join(f"{count} of draw {seed}" for seed, count in missing)
        lines += ["", f"**Left out of draws whose records are not all there** ({draws} missing): {', '.join(names)}."]
    return lines


def gaps(results: Results) -> str:
    """Said where a task lacks a model in some draw: then means are of the additive fit."""
    present = np.isfinite(results.accuracy)
    partial = present.any(axis=2) & ~present.all(axis=2)
    return " (fitted as model + draw where a model lacks a draw)" if partial.any() else ""


def _present(answer: Answer | None) -> list[Answer]:
    return [] if answer is None else [answer]


def _made_by(table: "polars.DataFrame", command: str) -> list[str]:
    """Command, hardware, hours, commits."""
    made = works(table)
    lines = [f"Command `{command}`. " if command else ""]
    lines[0] += f"{made['work_seconds'].sum() / 3600:.2f} device-hours on {', '.join(sorted(set(made['device'])))};"
    lines[0] += f" peak memory {made['peak_memory_mb'].max():.0f} MB."
    commits = {str(commit)[:12] + ("+" if str(commit).endswith("+") else "") for commit in made["commit"]}
    lines.append(f"Commits {', '.join(sorted(commits))}. Versions {'; '.join(sorted(set(made['versions'])))}.")
    return lines
