"""A ranking as one HTML page that needs no network: figures, photographs and style are inside it."""

import base64
import html
import importlib.metadata
import io
import platform
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lin_ft.files.atomic import write_atomically
from lin_ft.report.html_figures import LINES, curve_figure, ranking_figure, spectrum_figure

if TYPE_CHECKING:
    from lin_ft.data import Task
    from lin_ft.ranking import RankedModel, Ranking

SHOWN = 12
"""Photographs that models disagree on, those with the most split votes first."""
EXAMPLES = 8
"""Photographs of each class on the contact sheet."""
PACKAGES = ("lin-ft", "jax", "jaxlib", "flax", "numpy")

SORT = """
// Tables sort by the column whose head is clicked: numbers from the largest, names from the first; again: reversed.
for (const table of document.querySelectorAll('table')) {
  const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.firstElementChild.onclick = () => {
    const value = row => row.cells[column].textContent.replace('\u2212', '-').trim();
    const rows = [...body.rows], number = rows.every(row => value(row) === '' || !isNaN(parseFloat(value(row))));
    const first = number && column > 0 ? 'descending' : 'ascending';
    const now = head.ariaSort || head.getAttribute('aria-sort');
    const order = now === first ? (first === 'ascending' ? 'descending' : 'ascending') : first;
    const sign = order === 'ascending' ? 1 : -1;
    rows.sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === '' || y === '') return (x === '') - (y === '');
      return sign * (number ? parseFloat(x) - parseFloat(y) : x.localeCompare(y));
    });
    heads.forEach(each => each.removeAttribute('aria-sort'));
    head.setAttribute('aria-sort', order);
    body.append(...rows);
  });
}
"""

STYLE = """
:root { color-scheme: light dark; --line: #8885; --soft: #8882; }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; padding: 1rem clamp(1rem, 2.5vw, 4rem); }
p, h1, h2, pre { max-width: 60rem; }
h1 { font-size: 1.5rem; line-height: 1.25; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
figure { margin: 0; flex: 1 1 20rem; min-width: 0; } figure svg { width: 100%; height: auto; background: #fff; }
figcaption, .note { color: GrayText; font-size: .9rem; }
.row { display: flex; flex-wrap: wrap; gap: 1rem; }
.ranking { max-width: 46rem; }
.both { display: grid; gap: 1rem 2.5rem; grid-template-columns: minmax(0, 1fr); align-items: start; }
@media (min-width: 90rem) { .both { grid-template-columns: minmax(22rem, 1fr) fit-content(68%); } }
.both > * { min-width: 0; }
@media (min-width: 75rem) { .classes { columns: 2; column-gap: 2.5rem; } .class { break-inside: avoid; } }
@media (min-width: 130rem) { .classes { columns: 3; } }
@media (max-width: 32rem) { .ranking { overflow-x: auto; } .ranking svg { width: 34rem; } }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { padding: .3rem .6rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th button { all: unset; cursor: pointer; font-weight: inherit; }
th button:focus-visible { outline: 2px solid; outline-offset: 2px; }
th button::after { content: "↕"; opacity: .35; padding-left: .25em; }
th[aria-sort=ascending] button::after { content: "↑"; opacity: 1; }
th[aria-sort=descending] button::after { content: "↓"; opacity: 1; }
th { white-space: normal; vertical-align: bottom; }
th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) { text-align: left; }
.class { display: flex; align-items: center; gap: .6rem; flex-wrap: wrap; padding: .25rem 0; }
.class b { flex: 0 0 9rem; font-weight: 500; overflow-wrap: anywhere; }
.pictures { display: flex; flex-wrap: wrap; gap: 3px; }
img { width: 56px; height: 56px; border-radius: 3px; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(18rem, 1fr)); gap: .8rem; }
.card { display: flex; gap: .7rem; padding: .6rem; background: var(--soft); border-radius: 6px; font-size: .85rem; }
.card img { width: 72px; height: 72px; flex: none; } .card ul { margin: .2rem 0 0; padding: 0; list-style: none; }
.right { color: #0a7d4f; } .wrong { color: #c2410c; }
@media (prefers-color-scheme: dark) { .right { color: #4ade80; } .wrong { color: #fb923c; } }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--soft); padding: .7rem; border-radius: 6px; }
"""


def write_report(ranking: "Ranking", task: "Task", folder: str | Path, *, command: str = "") -> Path:
    """Write FOLDER/index.html and return its path; `ranking` must come from `rank` with `details=True`.

    Ranking with intervals, predicted training curves, kernel spectra, a contact sheet of the training images, those the
    models disagree on, command and versions. Raises InputError where the folder cannot be written.
    """
    path = Path(folder) / "index.html"
    title = f"Which model to fine-tune on {task.name}?"
    parts = [
        f"<h1>{_text(title)}</h1>",
        f"<p>{_text(_summary(ranking))}</p>",
        "<h2>Ranking</h2>",
        f"<div class=both><div class=ranking>{_figure(ranking_figure(ranking), _RANKING_CAPTION)}</div>",
        f"<div>{_table(ranking)}</div></div>",
        *_curves(ranking),
        *_disagreement(ranking, task),
        "<h2>The task</h2>",
        f"<p class=note>{_text(str(task))}. Examples of the training images.</p>",
        *_contact_sheet(task),
        "<h2>How this page was made</h2>",
        f"<pre>{_text(command or 'lin_ft.rank')}</pre>",
        f"<p class=note>{_text(_versions())}</p>",
    ]
    head = f"<!doctype html><html lang=en><head><meta charset=utf-8><title>{_text(title)}</title>"
    head += f'<meta name=viewport content="width=device-width, initial-scale=1"><style>{STYLE}</style></head><body>'
    page = head + "\n".join(parts) + f"<script>{SORT}</script></body></html>\n"
    write_atomically(path, lambda temporary: temporary.write_text(page, encoding="utf-8"))
    return path


_RANKING_CAPTION = (
    "Leave-one-out accuracy of the linearized model on the training images, with 95 % bootstrap intervals."
)


def _summary(ranking: "Ranking") -> str:
    first = ranking.models[0]
    low, high = first.predicted_accuracy_interval
    overlap = [row.name for row in ranking.models[1:] if row.predicted_accuracy_interval[1] >= low]
    text = (
        f"{first.name} comes first by {ranking.score.replace('_', ' ')}. It is predicted to get"
        f" {first.predicted_accuracy:.0%} of images right [{low:.0%}, {high:.0%}],"
        f" where chance is {1 / ranking.n_classes:.0%}."
    )
    if overlap:
        text += f" The interval of {len(overlap)} of the other {len(ranking.models) - 1} models reaches into this one."
    return text


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
        rows.append("".join(f"<td>{_text(cell)}</td>" for cell in cells))
    names = "".join(
        f"<th><button>{name}</button></th>"
        for name in (*heads, *["measured %"] * measured, *["balanced %"] * unbalanced)
    )
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    note = "<p class=note>* the reference that gains are against</p>" if " *" in body else ""
    note += f"<p class=note>{_text(ranking.balance_note)}</p>" if ranking.balance_note else ""
    return f"<div class=wide><table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table></div>{note}"


def _curves(ranking: "Ranking") -> list[str]:
    if not all(row.details for row in ranking.models):
        return []
    caption = "Leave-one-out accuracy along gradient flow, at the ridge chosen for each model"
    caption += f"; the first {LINES} of {len(ranking.models)} models." if len(ranking.models) > LINES else "."
    left = _figure(curve_figure(ranking), caption)
    middle = _figure(spectrum_figure(ranking, "eigenvalues"), "Eigenvalues of the centred tangent kernel.")
    right = _figure(spectrum_figure(ranking, "energy"), "Share of the labels along the leading eigenvectors.")
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
        f" {_text(task.class_names[vote])}</span> {_text(row.name)}</li>"
        for row, vote in zip(rows, votes, strict=True)
    )
    picture = _picture(task.train.images[index], task.class_names[label])
    return f"<div class=card>{picture}<div><b>{_text(task.class_names[label])}</b><ul>{lines}</ul></div></div>"


def _contact_sheet(task: "Task") -> list[str]:
    rows = []
    for label, name in enumerate(task.class_names):
        places = np.flatnonzero(task.train.labels == label)[:EXAMPLES]
        pictures = "".join(_picture(task.train.images[place], name) for place in places)
        rows.append(f"<div class=class><b>{_text(name)}</b><div class=pictures>{pictures}</div></div>")
    return [f"<div class=classes>{''.join(rows)}</div>"]


def _picture(image: np.ndarray, title: str) -> str:
    """An inline JPEG of at most 112 pixels a side."""
    from PIL import Image

    picture = Image.fromarray(image)
    picture.thumbnail((112, 112))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return f'<img alt="{_text(title)}" src="data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}">'


def _figure(svg: str, caption: str) -> str:
    return f"<figure>{svg}<figcaption>{_text(caption)}</figcaption></figure>"


def _versions() -> str:
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join([*found, f"Python {sys.version.split()[0]}", platform.system()])


def _text(text: str) -> str:
    return html.escape(text, quote=True)
