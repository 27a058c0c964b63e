"""All that an inspection found, as tables, CSV, contact sheet and page."""

import csv
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lin_ft.data import Task, sheet_of_rows
from lin_ft.files.atomic import write_atomically
from lin_ft.inspect.config import InspectConfig
from lin_ft.inspect.duplicates import Duplicates, duplicates
from lin_ft.inspect.label_errors import LabelErrors, label_errors
from lin_ft.inspect.models import Asked, likely_best
from lin_ft.ranking import Failed, RankConfig
from lin_ft.ranking.fitted import Column, Fitted
from lin_ft.zoo import REFERENCE, ZooModel


@dataclasses.dataclass(frozen=True, eq=False)
class Inspection:
    """What was found in the training images of a task."""

    task: Task
    asked: Asked
    labels: LabelErrors
    duplicates: Duplicates
    config: InspectConfig

    @property
    def failed(self) -> tuple[Failed, ...]:
        """Models that could not be asked."""
        return self.asked.failed

    @property
    def models(self) -> str:
        """Names with P(best)."""
        pairs = zip(self.asked.views, self.asked.p_best, strict=True)
        return ", ".join(f"{view.model.name} ({p:.0%})" for view, p in pairs)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was assumed or left out, and the counts."""
        n, found = self.task.n, self.duplicates
        counts = [
            f"{self.labels.contradicted} of {n} images look more like another class than like their own.",
            f"{len(found.pairs)} pairs of {found.n} images are the same or nearly"
            f" ({sum(pair.across_classes for pair in found.pairs)} across classes,"
            f" {sum(pair.across_splits for pair in found.pairs)} across splits).",
        ]
        copied = [each for each in self.task.accounting.notices if "copies" in each] if self.task.accounting else []
        return (*counts, *copied, *self.labels.notes, *self.asked.notes)

    def origin(self, place: int) -> str:
        """Where a training image comes from."""
        origins = self.task.train.origins
        return f"train {place}" if origins is None else str(origins[place])

    def _class(self, label: Any) -> str:
        return self.task.class_names[label]

    def label_table(self) -> Fitted:
        """For a rich console and notebooks: the most suspicious labels."""
        found, places = self.labels, self.labels.order[: self.config.show].tolist()
        labels = self.task.train.labels
        columns = [
            Column("#", [str(rank) for rank in range(1, len(places) + 1)]),
            Column("image", [self.origin(place) for place in places], left=True),
            Column("label", [self._class(labels[place]) for place in places], left=True),
            Column("looks like", [self._class(found.looks_like[place]) for place in places], left=True),
            Column("suspicion", [f"{found.suspicion[place]:+.2f}" for place in places], weight=2),
            Column("models against", [f"{found.agreement[place]:.0%}" for place in places], weight=1),
        ]
        title = f"{self.task.name}: the labels that the other images contradict most, asked {self.models}"
        return Fitted(title, columns, elsewhere="the CSV")

    def duplicate_table(self) -> Fitted | None:
        """Of the pairs that are the same, or nearly; None where there are none."""
        pairs = self.duplicates.pairs[: self.config.show]
        if not pairs:
            return None
        columns = [
            Column("image", [str(pair.first) for pair in pairs], left=True),
            Column("and", [str(pair.second) for pair in pairs], left=True),
            Column("distance", ["same pixels" if pair.exact else f"{pair.distance:.3f}" for pair in pairs]),
            Column("in", [pair.what for pair in pairs], left=True, weight=1),
        ]
        title = f"The same pictures, or nearly: {len(pairs)} of {len(self.duplicates.pairs)} pairs"
        title += f" (usual distance to the nearest other image {self.duplicates.typical:.3f})"
        return Fitted(title, columns, elsewhere="the CSV")

    def rows(self) -> list[dict[str, Any]]:
        """One for each training image, the most suspicious first, those that are not judged last."""
        found, labels = self.labels, self.task.train.labels
        twin = {}
        for pair in self.duplicates.pairs[::-1]:  # of several, the one that stands first stays
            for one, other in ((pair.first, pair.second), (pair.second, pair.first)):
                if one.part == "train":
                    twin[one.index] = (str(other), "same pixels" if pair.exact else f"{pair.distance:.4f}")
        unjudged = np.flatnonzero(~found.judged)
        rows = []
        for rank, place in enumerate([*found.order.tolist(), *unjudged.tolist()], 1):
            judged = bool(found.judged[place])
            other, distance = twin.get(place, ("", ""))
            rows.append({
                "rank": rank if judged else "",
                "image": self.origin(place),
                "label": self._class(labels[place]),
                "looks_like": self._class(found.looks_like[place]) if judged else "",
                "suspicion": f"{found.suspicion[place]:.4f}" if judged else "",
                "models_against": f"{found.agreement[place]:.3f}" if judged else "",
                "duplicate": other,
                "duplicate_distance": distance,
            })  # fmt: skip
        return rows

    def save_csv(self, path: str | Path) -> None:
        """`rows` with a header, UTF-8."""
        rows = self.rows()

        def write(temporary: Path) -> None:
            with temporary.open("w", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(rows[0]))
                writer.writeheader()
                writer.writerows(rows)

        write_atomically(path, write)

    def picture_rows(self) -> list[tuple[str, np.ndarray]]:
        """Suspicious images, a row for each "label → looks like", the most suspicious first; then pairs of copies."""
        groups: dict[str, list[int]] = {}
        for place in self.labels.order[: self.config.show].tolist():
            own, other = self.task.train.labels[place], self.labels.looks_like[place]
            groups.setdefault(f"{self._class(own)} → {self._class(other)}", []).append(place)
        images = self.task.train.images
        rows = [(name, images[places]) for name, places in groups.items()]
        for pair in self.duplicates.pairs[: self.config.show]:
            both = np.stack([self.image(place.part, place.index) for place in (pair.first, pair.second)])
            rows.append((f"{pair.first.class_name} = {pair.second.class_name}", both))
        return rows

    def image(self, part: str, index: int) -> np.ndarray:
        """Of a part of the task, "train", "validation" or "test"."""
        return getattr(self.task, part).images[index]

    def save_sheet(self, path: str | Path) -> None:
        """A contact sheet of `picture_rows`, PNG."""
        side = self.task.train.images.shape[1]
        sheet_of_rows(self.picture_rows(), path, zoom=max(1, round(48 / side)))

    def save_page(self, folder: str | Path, *, command: str = "") -> Path:
        """FOLDER/index.html; returns its path."""
        from lin_ft.report.inspection_page import write_inspection

        return write_inspection(self, folder, command=command)

    def _repr_html_(self) -> str:
        from lin_ft.report.inspection_page import sections

        return "".join(sections(self))


def inspect_task(
    zoo: Sequence[ZooModel],
    task: Task,
    config: InspectConfig | None = None,
    *,
    reference: str = REFERENCE,
    progress: bool = False,
) -> Inspection:
    """Ask the likely best models of a zoo which training labels are suspicious and which images are the same.

    Raises:
        InputError: as `likely_best`, `label_errors` and `duplicates`.
    """
    config = config or InspectConfig()
    ranking = RankConfig(probes=config.probes, seed=config.seed)
    asked = likely_best(zoo, task, ranking, most=config.best, reference=reference, progress=progress)
    labels = label_errors(asked.views, asked.p_best, method=config.method, level=config.level)
    return Inspection(task, asked, labels, duplicates(asked.views[0], near=config.near), config)
