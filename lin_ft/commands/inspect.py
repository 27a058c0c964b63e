"""`lin-ft inspect`."""

import dataclasses
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from lin_ft.commands.settings import changed
from lin_ft.commands.tables import console
from lin_ft.commands.zoo_of_name import chosen_zoo, reference_of, zoo_for
from lin_ft.errors import InputError


@dataclass(frozen=True)
class What:
    """What to look at, and with which models."""

    target: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="TARGET")]
    """A data set's name, a folder with one sub-folder of images a class, or an .npz file."""
    shots: int | Literal["all"] | None = None
    """Images of a class, or all. Default: all of its training split; of more than 1,000 as many of every class as add
    up to that."""
    seed: int = 0
    """Of that sample and of every random choice after it."""
    size: int = 0
    """Pixels a side of the images. Default: those of the zoo's middle model, 112 at most."""
    zoo: str = ""
    """embedded, multi_domain, packaged, user, a folder, or several with commas. Default: by the pictures' size."""
    models: tuple[str, ...] = ()
    """Only these. Default: all; of them the likely best for the images are asked."""
    without: tuple[str, ...] = ()
    """Not these."""
    unlabelled: Path | None = None
    """Folder of pictures without labels: which to label next."""


@dataclass(frozen=True)
class How:
    """How to look."""

    best: int | None = None
    """Most models that are asked: of those that hold the best with 90 %, the likeliest. Default: 3."""
    method: str = ""
    """How a model predicts an image without having learnt from it: tangent (default), neighbours or logistic."""
    near: float | None = None
    """Near duplicates: nearer than this share of the usual distance to the nearest other image. Default: 0.4."""
    label: int | None = None
    """Unlabelled pictures that are proposed. Default: 20, or all where they are fewer."""
    label_by: Literal["", "variance", "disagreement"] = ""
    """variance (default): those that tell the first models most about the others; disagreement: those on which the
    models differ, which tells the models apart too."""
    source_shots: int | None = None
    """Images a class of the first model's source data (fetched at first use): what your classes look like to it."""
    show: int | None = None
    """Rows of each table and pictures of each kind. Default: 20."""
    set: tuple[str, ...] = ()
    """NAME=VALUE of any field of InspectConfig: probes=4."""


@dataclass(frozen=True)
class Write:
    """What to write."""

    csv: Path | None = None
    """All images, the most suspicious first. Default: inspect-TARGET.csv in the working directory."""
    sheet: Path | None = None
    """Contact sheet of what was found. Default: inspect-TARGET.png beside it."""
    report: Path | None = None
    """Folder for one HTML page that needs no network: index.html."""


@dataclass(frozen=True)
class Inspect:
    """Which labels are suspicious, which images repeat or hurt, which come next?"""

    what: What
    how: How = field(default_factory=How)
    write: Write = field(default_factory=Write)

    def run(self) -> None:
        from lin_ft.commands.rank import side_of
        from lin_ft.data import load_unlabelled, load_whole
        from lin_ft.inspect import inspect_task

        what = self.what
        config = self._config()
        zoo = chosen_zoo(what.zoo or zoo_for(what.target), what.models, what.without)
        size = what.size or side_of(zoo)
        pool = load_unlabelled(what.unlabelled, size=size) if what.unlabelled else None
        task = load_whole(what.target, shots=what.shots, seed=what.seed, size=size)
        found = inspect_task(zoo, task, config, unlabelled=pool, reference=reference_of(zoo), progress=True)
        written = self._write(found)
        show = console()
        for table in found.tables():
            show.print(table)
        for note in found.notes:
            show.print(note, soft_wrap=True)
        show.print(f"{', '.join(map(str, written))} written.", soft_wrap=True)
        if found.problems:
            raise InputError(f"All else was done, but not {'; '.join(found.problems)}")
        if found.failed:
            each = "; ".join(f"model {failed.name!r}: {failed.reason}" for failed in found.failed)
            names = shlex.join(failed.name for failed in found.failed)
            raise InputError(
                f"{len(found.failed)} of {len(zoo)} models could not be asked, the others were. {each}."
                f" Leave out what cannot be mended: --without {names}."
            )

    def _config(self):
        from lin_ft.inspect import InspectConfig

        how = {each.name: getattr(self.how, each.name) for each in dataclasses.fields(How) if each.name != "set"}
        given = {name: value for name, value in how.items() if value not in (None, "")}
        return changed(InspectConfig(seed=self.what.seed, **given), self.how.set, "inspect")

    def _write(self, found) -> list[Path]:
        write = self.write
        csv = write.csv or Path(f"inspect-{found.task.name}.csv")
        sheet = write.sheet or csv.with_suffix(".png")
        found.save_csv(csv)
        found.save_sheet(sheet)
        written = [csv, sheet]
        if write.report:
            written.append(found.save_page(write.report, command=shlex.join(["lin-ft", *sys.argv[1:]])))
        return written
