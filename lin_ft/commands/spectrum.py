"""`lin-ft spectrum`."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from lin_ft.commands.tables import console
from lin_ft.commands.zoo_of_name import chosen_zoo, zoo_with


@dataclass(frozen=True)
class Spectrum:
    """What models' kernels see of a task: eigenvalues, label energy, time to fit."""

    target: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="TARGET")]
    """A data set's name, a folder with one sub-folder of images a class, or an .npz file."""
    model: tuple[str, ...] = ("cifar10",)
    """One or more zoo entries; 'cifar10' is short for 'cifar10-resnet20'."""
    shots: int | Literal["all"] | None = None
    """Training images a class, or all. Default: 10, or what there is in classes with fewer."""
    seed: int = 0
    """Of the few-shot sample and of the probes."""
    zoo: str = ""
    """embedded, multi_domain, packaged, user, a folder, or several with commas. Default: the first that has them."""
    probes: int = 4
    """Random heads that the kernel is averaged over."""
    plot: Path | None = Path("spectrum.png")
    """The picture."""
    json: Path | None = None
    """Write eigenvalues and label energies here, a list with one entry a model."""

    def run(self) -> None:
        from rich.table import Table
        from rich.text import Text

        from lin_ft.data import load_task
        from lin_ft.files.atomic import write_atomically
        from lin_ft.ranking import RankConfig, View
        from lin_ft.report.spectrum_plot import plot_spectra

        models = chosen_zoo(self.zoo or zoo_with(self.model), self.model)
        task = load_task(self.target, shots=self.shots, seed=self.seed)
        config = RankConfig(probes=self.probes, seed=self.seed)
        spectra = [View(model, task, config).label_spectrum for model in models]
        table = Table(title=Text(f"{task.name}: {task.n} images, {task.n_classes} classes"))
        columns = ("model", "alignment", "energy in top C-1", "effective dim.", "time to fit 90 %")
        for name in columns:
            table.add_column(name, overflow="fold", justify="left" if name == "model" else "right")
        for each in spectra:
            table.add_row(
                Text(each.model), f"{each.alignment:.3f}", f"{each.energy_in_top(task.n_classes - 1):.1%}",
                f"{each.effective_dimension(0.1):.1f}", f"{each.time_to_fit(0.9):.3g}",
            )  # fmt: skip
        console().print(table)
        if self.plot:
            plot_spectra(spectra, self.plot)
            console().print(f"Picture: {self.plot}")
        if self.json:
            text = json.dumps([each.as_dict() for each in spectra], indent=1) + "\n"
            write_atomically(self.json, lambda temporary: temporary.write_text(text))
