"""All that an inspection found, as tables, CSV, contact sheet and page."""

import csv
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lin_ft.data import ImageData, Task, Unlabelled, captioned_sheet, load_task
from lin_ft.errors import InputError
from lin_ft.files.atomic import write_atomically
from lin_ft.inspect.config import InspectConfig
from lin_ft.inspect.duplicates import Duplicates, duplicates
from lin_ft.inspect.influence import Influence, influence
from lin_ft.inspect.label_errors import LabelErrors, label_errors
from lin_ft.inspect.models import Asked, likely_best
from lin_ft.inspect.next_labels import NextLabels, next_labels
from lin_ft.inspect.transport import Transport, looks_like
from lin_ft.ranking import Failed, RankConfig
from lin_ft.ranking.fitted import Column, Fitted
from lin_ft.zoo import REFERENCE, ZooModel

LABEL = 20
"""Pictures to label next, where no number is asked for."""


@dataclasses.dataclass(frozen=True, eq=False)
class Inspection:
    """What was found in the training images of a task."""

    task: Task
    asked: Asked
    labels: LabelErrors
    duplicates: Duplicates
    influence: Influence
    """By the first of the models."""
    config: InspectConfig
    unlabelled: Unlabelled | None = None
    to_label: NextLabels | None = None
    """Of the unlabelled pictures."""
    source: ImageData | None = None
    """Images that the first model was trained on."""
    likeness: Transport | None = None
    """Of the task's classes to those of `source`."""
    problems: tuple[str, ...] = ()
    """What was asked for and could not be done; all else is there."""

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
        hurt = int(np.sum(self.influence.change < 0))
        whose = f"the {self.influence.on} images, each left out," if self.influence.on == "training" else "validation"
        counts.append(f"{hurt} of {n} images hurt: without any one of them the predicted loss on {whose} is lower.")
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

    def influence_table(self) -> Fitted:
        """Of the images that hurt most."""
        places = self.influence.order[: self.config.show].tolist()
        labels, loss = self.task.train.labels, self.influence.loss
        columns = [
            Column("#", [str(rank) for rank in range(1, len(places) + 1)]),
            Column("image", [self.origin(place) for place in places], left=True),
            Column("label", [self._class(labels[place]) for place in places], left=True),
            Column("loss without it", [f"{100 * self.influence.change[place] / loss:+.2f} %" for place in places]),
        ]
        return Fitted(f"The images that hurt most, by {self.asked.views[0].model.name}", columns)

    def to_label_table(self) -> Fitted | None:
        """Of the pictures to label next; None where no unlabelled ones were given."""
        if self.to_label is None or self.unlabelled is None:
            return None
        found, origins = self.to_label, self.unlabelled.origins
        columns = [
            Column("#", [str(rank) for rank in range(1, len(found.places) + 1)]),
            Column("picture", [str(origins[place]) for place in found.places], left=True),
            Column("looks like", [self._class(label) for label in found.looks_like], left=True),
            Column(self.config.label_by, [f"{value:.3g}" for value in found.value]),
        ]
        return Fitted(f"Label these next, of {len(self.unlabelled)} pictures in {self.unlabelled.name}", columns)

    def likeness_table(self) -> Fitted | None:
        """What each class looks like among the classes of the first model's source; None where none was given."""
        if self.likeness is None or self.source is None:
            return None
        source, moved, nearest = self.source, [], []
        for target_class in range(self.task.n_classes):
            shares = self.likeness.looks_like(target_class)
            moved.append(", ".join(f"{source.class_names[z]} {share:.0%}" for z, share in shares))
            names = [source.class_names[source.labels[place]] for place in self.likeness.nearest[target_class]]
            counts = sorted(set(names), key=lambda name, names=names: (-names.count(name), names.index(name)))
            nearest.append(", ".join(f"{names.count(name)} {name}" for name in counts[:3]))
        columns = [
            Column("your class", list(self.task.class_names), left=True),
            Column("looks like", moved, left=True),
            Column("nearest images are of", nearest, left=True, weight=1),
        ]
        title = f"Your classes look like these of {source.name}, to {self.asked.views[0].model.name}"
        return Fitted(title, columns)

    def tables(self) -> list[Fitted]:
        """All of them that there are."""
        some = (self.duplicate_table(), self.influence_table(), self.to_label_table(), self.likeness_table())
        return [self.label_table(), *(table for table in some if table is not None)]

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
                "loss_without": f"{self.influence.change[place]:.3e}",
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

    def pictures(self) -> list[tuple[str, list[tuple[str, np.ndarray]]]]:
        """Sections of the contact sheet: (title, [(caption, picture)])."""
        show, train = self.config.show, self.task.train
        suspicious = [
            (
                f"{self._class(train.labels[place])}\n→ {self._class(self.labels.looks_like[place])}"
                f"\n{self.labels.suspicion[place]:+.2f}",
                train.images[place],
            )
            for place in self.labels.order[:show].tolist()
        ]
        copies = [
            (f"{place.class_name}\n{number}: {place.part}", self.image(place.part, place.index))
            for number, pair in enumerate(self.duplicates.pairs[:show], 1)
            for place in (pair.first, pair.second)
        ]
        change = 100 * self.influence.change / self.influence.loss
        hurting = [
            (f"{self._class(train.labels[place])}\n{change[place]:+.2f} %", train.images[place])
            for place in self.influence.order[:show].tolist()
        ]
        sections = [
            ("Suspicious labels: label → looks like, and how much more", suspicious),
            ("The same pictures, or nearly, in pairs", copies),
            ("Images that hurt: change of the predicted loss without them", hurting),
        ]
        if self.to_label is not None and self.unlabelled is not None:
            chosen = zip(self.to_label.places.tolist(), self.to_label.looks_like.tolist(), strict=True)
            next_ones = [(f"{self._class(like)}?", self.unlabelled.images[place]) for place, like in chosen]
            sections.append(("Label these next", next_ones))
        return sections

    def image(self, part: str, index: int) -> np.ndarray:
        """Of a part of the task, "train", "validation" or "test"."""
        return getattr(self.task, part).images[index]

    def save_sheet(self, path: str | Path) -> None:
        """A contact sheet of `pictures`, PNG."""
        captioned_sheet(self.pictures(), path)

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
    unlabelled: Unlabelled | None = None,
    reference: str = REFERENCE,
    progress: bool = False,
) -> Inspection:
    """Ask the likely best models of a zoo about the training images of a task.

    Which labels are suspicious, which images are the same, which help and which hurt; of `unlabelled` pictures those to
    label next; and, with `config.source_shots`, what the classes look like among those of the first model's source.

    Raises:
        InputError: fewer unlabelled pictures than asked for, and as `likely_best`, `label_errors` and `duplicates`.

    Args:
      zoo: models to choose from.
      task: of `load_whole`, say.
      config: what to look at and how.
      unlabelled: of `load_unlabelled`.
      reference: the model that gains are against.
      progress: show bars on the terminal.

    Examples:
        >>> import lin_ft
        >>> from lin_ft import inspect
        >>> from lin_ft.data import load_whole
        >>> task = load_whole("optdigits", shots=4)
        >>> found = inspect.inspect_task(lin_ft.embedded_zoo()[:1], task, inspect.InspectConfig(probes=1))
        >>> len(found.rows())
        40
    """
    config = config or InspectConfig()
    if unlabelled is not None and config.label > len(unlabelled):
        raise InputError(
            f"{config.label} images asked for of the {len(unlabelled)} that are unlabelled in {unlabelled.name}: ask"
            f" for at most {len(unlabelled)}, --label {len(unlabelled)}."
        )
    ranking = RankConfig(probes=config.probes, seed=config.seed)
    two = unlabelled is not None and config.label_by == "disagreement"
    asked = likely_best(
        zoo, task, ranking, most=max(config.best, 1 + two), least=1 + two, reference=reference, progress=progress
    )
    first = asked.views[0]
    labels = label_errors(asked.views, asked.p_best, method=config.method, level=config.level)
    found = Inspection(
        task, asked, labels, duplicates(first, near=config.near), influence(first), config, unlabelled=unlabelled
    )
    if unlabelled is not None:
        count = config.label or min(LABEL, len(unlabelled))
        chosen = next_labels(asked.views, unlabelled.images, count, weights=asked.p_best, by=config.label_by)
        found = dataclasses.replace(found, to_label=chosen)
    if config.source_shots:
        try:
            size = task.train.images.shape[1]
            source = load_task(first.model.card.source, shots=config.source_shots, seed=config.seed, size=size).train
            found = dataclasses.replace(found, source=source, likeness=looks_like(first, source))
        except InputError as error:  # of another data set: what was found of these images stands
            problem = f"what the classes look like: {first.model.card.source}, {error}"
            found = dataclasses.replace(found, problems=(problem,))
    return found
