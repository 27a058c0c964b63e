"""A ranking as one HTML page that needs no network: figures, photographs and style are inside it."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lin_ft.report.html_figures import LINES, curve_figure, ranking_figure, spectrum_figure
from lin_ft.report.html_page import figure, picture, table, text, write_page

if TYPE_CHECKING:
    from lin_ft.data import Task
    from lin_ft.ranking import RankedModel, Ranking

SHOWN = 12
"""Photographs that models disagree on, those with the most split votes first."""
EXAMPLES = 8
"""Photographs of each class on the contact sheet."""


def write_report(ranking: "Ranking", task: "Task", folder: str | Path, *, command: str = "") -> Path:
    """Write FOLDER/index.html and return its path; `ranking` must come from `rank` with `details=True`.

    Ranking with intervals, predicted training curves, kernel spectra, a contact sheet of the training images, those the
    models disagree on, command and versions. Raises InputError where the folder cannot be written.
    """
    parts = [
        f"<p>{text(_summary(ranking))}</p>",
        "<h2>Ranking</h2>",
        f"<div class=both><div class=ranking>{figure(ranking_figure(ranking), _RANKING_CAPTION)}</div>",
        f"<div>{_table(ranking)}</div></div>",
        *_curves(ranking),
        *_disagreement(ranking, task),
        "<h2>The task</h2>",
        f"<p class=note>{text(str(task))}. Examples of the training images.</p>",
        *_contact_sheet(task),
    ]
    return write_page(f"Which model to fine-tune on {task.name}?", parts, folder, command=command or "lin_ft.rank")


_RANKING_CAPTION = (
    "Leave-one-out accuracy of the linearized model on the training images, with 95 % bootstrap intervals."
)


def _summary(ranking: "Ranking") -> str:
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
    heads = ("#", "model", "predicted %", "95 %", "gain", "loss falls %", "Label-Gradient", "Label-Feature", "seconds")
    measured = any(row.measured for row in ranking.models)
    unbalanced = any(row.measured and row.measured.unbalanced for row in ranking.models)
    rows = []
    for row in ranking.models:
        low, high = row.predicted_accuracy_interval
        gain = "" if row.predicted_gain is None else f"{100 * row.predicted_gain:+.1f}"
        star = " *" if row.name == ranking.reference else ""
        cells = [str(row.rank), row.name + star, f"{100 * row.predicted_accuracy:.1f}"]
        cells += [f"{100 * low:.0f} to {100 * high:.0f}", gain, f"{100 * row.predicted_decrease:.1f}"]
        cells += [f"{row.label_gradient:.3f}", f"{row.label_feature_correlation:.3f}", f"{row.seconds:.1f}"]
        if measured:
            cells.append(f"{100 * row.measured.test_accuracy:.1f}" if row.measured else "")
        if unbalanced:
            cells.append(f"{100 * row.measured.comparable[0]:.1f}" if row.measured else "")
        rows.append([text(cell) for cell in cells])
    heads += ("measured %",) * measured + ("balanced %",) * unbalanced
    note = "<p class=note>* the reference that gains are against</p>" if any(" *" in row[1] for row in rows) else ""
    note += f"<p class=note>{text(ranking.balance_note)}</p>" if ranking.balance_note else ""
    return table(heads, rows) + note


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


def _disagreement(ranking: "Ranking", task: "Task") -> list[str]:
    detailed = [row for row in ranking.models if row.details]
    if len(detailed) < 2:
        return []
    votes = np.array([row.details.predicted for row in detailed if row.details])
    labels = np.asarray(task.train.labels)
    split = [len(votes) - max(Counter(column).values()) for column in votes.T.tolist()]
    order = [index for index in np.argsort(split, kind="stable")[::-1].tolist() if split[index] > 0][:SHOWN]
    disputed = sum(count > 0 for count in split)
    texts = [f"<h2>Where the models disagree</h2><p>On {disputed} of {len(labels)} images.</p>"]
    cards = (_card(index, detailed, votes[:, index], int(labels[index]), task) for index in order)
    return [*texts, f"<div class=cards>{''.join(cards)}</div>"]


def _card(index: int, rows: "list[RankedModel]", votes: Any, label: int, task: "Task") -> str:
    lines = "".join(
        f"<li><span class={'right' if vote == label else 'wrong'}>{'✓' if vote == label else '✗'}"
        f" {text(task.class_names[vote])}</span> {text(row.name)}</li>"
        for row, vote in zip(rows, votes, strict=True)
    )
    shown = picture(task.train.images[index], task.class_names[label])
    return f"<div class=card>{shown}<div><b>{text(task.class_names[label])}</b><ul>{lines}</ul></div></div>"


def _contact_sheet(task: "Task") -> list[str]:
    rows = []
    for label, name in enumerate(task.class_names):
        places = np.flatnonzero(task.train.labels == label)[:EXAMPLES]
        pictures = "".join(picture(task.train.images[place], name) for place in places)
        rows.append(f"<div class=class><b>{text(name)}</b><div class=pictures>{pictures}</div></div>")
    return [f"<div class=classes>{''.join(rows)}</div>"]
