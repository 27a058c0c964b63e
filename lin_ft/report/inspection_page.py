"""An inspection as sections of an HTML page: suspicious labels and duplicates with their pictures."""

from pathlib import Path
from typing import TYPE_CHECKING

from lin_ft.report.html_page import picture, table, text, write_page

if TYPE_CHECKING:
    from lin_ft.inspect import Inspection, Place


def write_inspection(inspection: "Inspection", folder: str | Path, *, command: str = "") -> Path:
    """Write FOLDER/index.html and return its path. Raises InputError where the folder cannot be written."""
    title = f"What the images of {inspection.task.name} look like to models"
    return write_page(title, sections(inspection), folder, command=command or "lin_ft.inspect.inspect_task")


def sections(inspection: "Inspection") -> list[str]:
    """Headings, tables and pictures, as HTML."""
    notes = "".join(f"<li>{text(note)}</li>" for note in inspection.notes)
    parts = [f"<p>Asked: {text(inspection.models)}.</p><ul>{notes}</ul>", "<h2>Suspicious labels</h2>"]
    return [*parts, _labels(inspection), *_duplicates(inspection)]


def _labels(inspection: "Inspection") -> str:
    found, task = inspection.labels, inspection.task
    rows = []
    for rank, place in enumerate(found.order[: inspection.config.show].tolist(), 1):
        label, like = task.class_names[task.train.labels[place]], task.class_names[found.looks_like[place]]
        rows.append([
            str(rank), text(inspection.origin(place)), picture(task.train.images[place], label), text(label),
            text(like), f"{found.suspicion[place]:.2f}", f"{found.agreement[place]:.0%}",
        ])  # fmt: skip
    return table(("#", "image", "", "label", "looks like", "suspicion", "models against"), rows)


def _duplicates(inspection: "Inspection") -> list[str]:
    pairs = inspection.duplicates.pairs
    if not pairs:
        return []

    def shown(place: "Place") -> str:
        return picture(inspection.image(place.part, place.index), str(place))

    rows = [
        [
            text(str(pair.first)), text(str(pair.second)), shown(pair.first) + shown(pair.second),
            "same pixels" if pair.exact else f"{pair.distance:.3f}", text(pair.what),
        ]
        for pair in pairs[: inspection.config.show]
    ]  # fmt: skip
    heading = f"<h2>The same pictures, or nearly</h2><p>{len(rows)} of {len(pairs)} pairs, the most harmful first.</p>"
    return [heading, table(("image", "and", "", "distance", "in"), rows)]
