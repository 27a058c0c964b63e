"""One HTML page that needs no network: style, script and pictures are inside it."""

import base64
import html
import importlib.metadata
import io
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lin_ft.files.atomic import write_atomically

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
.confusions { max-width: 30rem; }
.right { color: #0a7d4f; } .wrong { color: #c2410c; }
@media (prefers-color-scheme: dark) { .right { color: #4ade80; } .wrong { color: #fb923c; } }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--soft); padding: .7rem; border-radius: 6px; }
"""


def write_page(title: str, parts: Sequence[str], folder: str | Path, *, command: str) -> Path:
    """FOLDER/index.html of the title, the parts, the command and the versions; returns its path.

    Raises InputError where the folder cannot be written.
    """
    path = Path(folder) / "index.html"
    whole = [
        f"<h1>{text(title)}</h1>",
        *parts,
        "<h2>How this page was made</h2>",
        f"<pre>{text(command)}</pre>",
        f"<p class=note>{text(versions())}</p>",
    ]
    head = f"<!doctype html><html lang=en><head><meta charset=utf-8><title>{text(title)}</title>"
    head += f'<meta name=viewport content="width=device-width, initial-scale=1"><style>{STYLE}</style></head><body>'
    page = head + "\n".join(whole) + f"<script>{SORT}</script></body></html>\n"
    write_atomically(path, lambda temporary: temporary.write_text(page, encoding="utf-8"))
    return path


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table that sorts by the column whose head is clicked; heads are text, cells HTML."""
    names = "".join(f"<th><button>{text(name)}</button></th>" for name in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<div class=wide><table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table></div>"


def picture(image: np.ndarray, title: str) -> str:
    """An inline JPEG of at most 112 pixels a side."""
    from PIL import Image

    shown = Image.fromarray(image)
    shown.thumbnail((112, 112))
    buffer = io.BytesIO()
    shown.save(buffer, "JPEG", quality=85)
    return f'<img alt="{text(title)}" src="data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}">'


def figure(svg: str, caption: str) -> str:
    """An SVG text with a caption below it."""
    return f"<figure>{svg}<figcaption>{text(caption)}</figcaption></figure>"


def versions() -> str:
    """Of the packages that computed what a page shows, Python and the system."""
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join([*found, f"Python {sys.version.split()[0]}", platform.system()])


def text(words: str) -> str:
    """Words as HTML: nothing in them is markup."""
    return html.escape(words, quote=True)
