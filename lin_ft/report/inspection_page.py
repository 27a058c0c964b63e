"""An inspection as sections of an HTML page, with the pictures that were found."""

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
    return [
        *parts, _labels(inspection), *_duplicates(inspection), *_influence(inspection), *_to_label(inspection),
        *_likeness(inspection),
    ]  # fmt: skip


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


def _influence(inspection: "Inspection") -> list[str]:
    found, task, show = inspection.influence, inspection.task, inspection.config.show
    parts = ["<h2>Images that hurt, and that help</h2>"]
    told = f"Change of the predicted loss ({found.on} images) without the image, in percent of it"
    parts.append(f"<p>{text(told)}, by {text(inspection.asked.views[0].model.name)}.</p>")
    for title, places in (("hurt most", found.order[:show]), ("help most", found.order[::-1][:show])):
        cards = "".join(
            f"<div class=card>{picture(task.train.images[place], inspection.origin(place))}<div>"
            f"<b>{text(task.class_names[task.train.labels[place]])}</b><br>{text(inspection.origin(place))}<br>"
            f"{100 * found.change[place] / found.loss:+.2f} %</div></div>"
            for place in places.tolist()
        )
        parts.append(f"<p>These {title}:</p><div class=cards>{cards}</div>")
    return parts


def _to_label(inspection: "Inspection") -> list[str]:
    chosen, pool = inspection.to_label, inspection.unlabelled
    if chosen is None or pool is None:
        return []
    cards = "".join(
        f"<div class=card>{picture(pool.images[place], str(pool.origins[place]))}<div>{rank}."
        f" {text(str(pool.origins[place]))}<br>looks like {text(inspection.task.class_names[like])}</div></div>"
        for rank, (place, like) in enumerate(zip(chosen.places.tolist(), chosen.looks_like.tolist(), strict=True), 1)
    )
    return [f"<h2>Label these next</h2><p>Of {len(pool)} in {text(pool.name)}.</p><div class=cards>{cards}</div>"]


def _likeness(inspection: "Inspection") -> list[str]:
    likeness, source, task = inspection.likeness, inspection.source, inspection.task
    if likeness is None or source is None:
        return []
    rows = []
    for target_class, name in enumerate(task.class_names):
        mine = task.train.images[task.train.labels == target_class][:3]
        shares = likeness.looks_like(target_class)
        nearest = likeness.nearest[target_class].tolist()
        rows.append([
            text(name), "".join(picture(image, name) for image in mine),
            text(", ".join(f"{source.class_names[z]} {share:.0%}" for z, share in shares)),
            "".join(picture(source.images[place], source.class_names[source.labels[place]]) for place in nearest),
        ])  # fmt: skip
    about = f"Optimal transport to the classes of {source.name}, which {inspection.asked.views[0].model.name} learnt,"
    heading = f"<h2>Your classes look like</h2><p>{text(about)} and its nearest images.</p>"
    return [heading, table(("your class", "", "looks like", "nearest images"), rows)]
