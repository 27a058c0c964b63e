"""`lin-ft data`: list, info, show."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from lin_ft.commands.tables import print_fields, print_table


@dataclass(frozen=True)
class DataList:
    """List the packaged data sets."""

    def run(self) -> None:
        from lin_ft.data import catalogue

        rows = [
            {
                "name": row.name,
                "use": row.kind,
                "domain": row.domain,
                "classes": row.n_classes,
                "images": " + ".join(f"{n:,}" for n in row.images.values()) if row.images else "fetched at first use",
                "download": f"{row.download_size / 1e6:.1f} MB" if row.download_size else "",
            }
            for row in catalogue()
        ]
        print_table("data sets (any other TFDS name, a folder or an .npz file works too)", rows)


@dataclass(frozen=True)
class DataInfo:
    """Say what a data set, a folder or an .npz file holds, and what is not used."""

    name: Annotated[str, tyro.conf.Positional]
    """A data set's name, a folder with one sub-folder of images a class, or an .npz file."""

    def run(self) -> None:
        from lin_ft.data import info, load_splits
        from lin_ft.data.dataset import kind_of

        if kind_of(self.name)[0] != "store":
            accounting = load_splits(self.name, quiet=True).accounting
            assert accounting is not None
            print(accounting.whole())
        else:
            print_fields(dict(vars(info(self.name))))


@dataclass(frozen=True)
class DataShow:
    """Write a contact sheet, some images of every class, as a PNG."""

    name: Annotated[str, tyro.conf.Positional]
    """A data set's name, a folder with one sub-folder of images a class, or an .npz file."""
    out: Path | None = None
    """Default: NAME.png in the working directory."""

    def run(self) -> None:
        from lin_ft.data import contact_sheet

        path = self.out or Path(f"{Path(os.path.abspath(self.name)).stem}.png")
        contact_sheet(self.name, path)
        print(f"{path} written.")


@dataclass(frozen=True)
class Data:
    """Data sets: list, info, show."""

    action: (
        Annotated[DataList, tyro.conf.subcommand("list")]
        | Annotated[DataInfo, tyro.conf.subcommand("info")]
        | Annotated[DataShow, tyro.conf.subcommand("show")]
    )

    def run(self) -> None:
        self.action.run()
