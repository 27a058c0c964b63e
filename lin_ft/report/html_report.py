"""A ranking as one HTML page that needs no network: figures, photographs and style are inside it."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lin_ft.report.html_figures import LINES, curve_figure, images_figure, ranking_figure, spectrum_figure
from lin_ft.report.html_mistakes import mistakes
from lin_ft.report.html_page import figure, picture, table, text, write_page

if TYPE_CHECKING:
    from lin_ft.data import Task
    from lin_ft.ranking import Ranking

EXAMPLES = 8
"""Photographs of each class on the contact sheet."""


def write_report(ranking: "Ranking", task: "Task", folder: str | Path, *, command: str = "") -> Path:
    """Write FOLDER/index.html and return its path; `ranking` must come from `rank` with `details=True`.

    Ranking with intervals, accuracy by the number of images where it was asked for, predicted training curves, kernel
    spectra, what the first model confuses and which images most models get wrong, a contact sheet of the training
    images, command and versions. Raises InputError where the folder cannot be written.
    """
    parts = [
        f"<p>{text(_summary(ranking))}</p>",
        "<h2>Ranking</h2>",
        f"<div class=both><div class=ranking>{figure(ranking_figure(ranking), _caption(ranking))}</div>",
        f"<div>{_table(ranking)}</div></div>",
        f"<p class=note>{text(_settings(ranking))}</p>",
        *_images(ranking),
        *_curves(ranking),
        *mistakes(ranking, task),
        "<h2>The task</h2>",
        f"<p class=note>{text(str(task))}. Examples of the training images.</p>",
        *_contact_sheet(task),
    ]
    return write_page(f"Which model to fine-tune on {task.name}?", parts, folder, command=command or "lin_ft.rank")


def _caption(ranking: "Ranking") -> str:
    if ranking.models[0].predicted_gain_interval:
        return (
            f"Gain of fine-tuning over {ranking.reference} with its 90 % interval; the darker, the likelier the best."
        )
    return "Leave-one-out accuracy of the linearized model on the training images, with 95 % bootstrap intervals."


def _summary(ranking: "Ranking") -> str:
    if ranking.advice:
        return " ".join([ranking.advice, *ranking.notes])
    first = ranking.models[0]
    low, high = first.predicted_accuracy_interval
    overlap = [row.name for row in ranking.models[1:] if row.predicted_accuracy_interval[1] >= low]
    words = (
        f"{first.name} comes first by {ranking.score.replace('_', ' ')}. It is predicted to get"
        f" {first.predicted_accuracy:.0%} of images right [{low:.0%}, {high:.0%}],"
        f" where chance is {1 / ranking.n_classes:.0%}."
    )
    if overlap:
        words += f" The interval of {len(overlap)} of the other {len(ranking.models) - 1} models reaches into this one."
    return words


def _table(ranking: "Ranking") -> str:
    """The table of the terminal, its columns sortable."""
    columns = ranking.table().columns
    heads = [" ".join(column.head.replace("-\n", "-").split()) for column in columns]
    rows = [[text(cell.strip()) for cell in cells] for cells in zip(*(column.cells for column in columns), strict=True)]
    notes = ["* the reference that gains are against"] if any("*" in row[0] for row in rows) else []
    notes += [ranking.balance_note] if ranking.balance_note else []
    notes += [ranking.verdict()] if sum(row.measured is not None for row in ranking.models) > 1 else []
    return table(heads, rows) + "".join(f"<p class=note>{text(note)}</p>" for note in notes)


def _settings(ranking: "Ranking") -> str:
    """Where the networks were linearized: what the numbers of this page depend on beside the images."""
    settings = ranking.made_of.get("settings", {})
    kind, head = settings.get("statistics", "source"), settings.get("head", "random")
    told = f"Kernels and curves of this page: batch statistics of the {kind}, {head} head."
    if ranking.gains is not None:
        told += f" The gains rest on the batch statistics of {' and '.join(ranking.gains.statistics)}."
    return told


def _images(ranking: "Ranking") -> list[str]:
    if not ranking.curve:
        return []
    caption = f"Predicted accuracy of {ranking.models[0].name} by the number of training images, with 90 % intervals."
    return ["<h2>How many images?</h2>", f"<div class=ranking>{figure(images_figure(ranking), caption)}</div>"]


def _curves(ranking: "Ranking") -> list[str]:
    if not all(row.details for row in ranking.models):
        return []
    caption = "Leave-one-out accuracy along gradient flow, at the ridge chosen for each model"
    caption += f"; the first {LINES} of {len(ranking.models)} models." if len(ranking.models) > LINES else "."
    left = figure(curve_figure(ranking), caption)
    middle = figure(spectrum_figure(ranking, "eigenvalues"), "Eigenvalues of the centred tangent kernel.")
    right = figure(spectrum_figure(ranking, "energy"), "Share of the labels along the leading eigenvectors.")
    heading = "<h2>Predicted training and what the kernels see</h2>"
    return [heading, f"<div class=row>{left}{middle}{right}</div>"]


def _contact_sheet(task: "Task") -> list[str]:
    rows = []
    for label, name in enumerate(task.class_names):
        places = np.flatnonzero(task.train.labels == label)[:EXAMPLES]
        pictures = "".join(picture(task.train.images[place], name) for place in places)
        rows.append(f"<div class=class><b>{text(name)}</b><div class=pictures>{pictures}</div></div>")
    return [f"<div class=classes>{''.join(rows)}</div>"]
