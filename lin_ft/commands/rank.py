"""`lin-ft rank`."""

import dataclasses
import shlex
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from lin_ft.commands.settings import changed, divided
from lin_ft.commands.tables import console
from lin_ft.commands.zoo_of_name import chosen_zoo, reference_of, zoo_for
from lin_ft.errors import InputError

_STARTED = time.monotonic()


@dataclass(frozen=True)
class What:
    """What to rank."""

    target: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="TARGET")]
    """A data set's name, a folder with one sub-folder of images a class, or an .npz file."""
    shots: int | Literal["all"] | None = None
    """Training images a class, or all. Default: 10, or what there is in classes with fewer."""
    seed: int = 0
    """Of the few-shot sample and of every random choice after it."""
    size: int = 0
    """Pixels a side of the images. Default: those of the zoo's middle model, 112 at most."""
    zoo: str = ""
    """embedded, multi_domain, packaged, user, a folder, or several with commas. Default: by the pictures' size."""
    models: tuple[str, ...] = ()
    """Only these (default: all) and the reference."""
    without: tuple[str, ...] = ()
    """Not these."""
    reference: str = ""
    """The model that gains are against. Default: the zoo's."""


@dataclass(frozen=True)
class How:
    """How to rank."""

    score: str = ""
    """What to rank by, then after commas what to show: names of `lin-ft scores list`, all, file.py:function. Default:
    gain, which predicts points; under --head zero, or --trainable other than all, predicted_decrease."""
    source_shots: int = 0
    """Images a class of each model's source data, for the scores that need them (fetched at first use)."""
    head: str = ""
    """New head: zero or random. Default: the one measured to rank best."""
    left_out: str = "image"
    """image, or shot (one of each class): what is predicted from the rest. shot is less biased on hard tasks."""
    trainable: str = "all"
    """Weights that fine-tuning would change: all, head, norm or last_block."""
    statistics: Literal["target", "source"] = "source"
    """Linearize under the batch statistics of pre-training, or under the target's, where fine-tuning starts."""
    verify: int = 0
    """Fine-tune the first K/2 and last K/2 of the ranking for real (2: the first and the last), and by gain the
    reference too, which measured gains are over."""
    curve: bool = False
    """Foretell what the first model would reach with a quarter, half, twice and four times the training images."""
    wide: bool = False
    """By gain: show Label-Gradient, Label-Feature Correlation and the decrease of the loss as well."""
    workers: int = 1
    """Models side by side, in so many processes with cores of their own."""
    executor: str = "local"
    """local, or ray: a Ray cluster (RAY_ADDRESS), or a local one of as many CPUs as workers."""
    plan: bool = False
    """Say the seconds and the memory that it takes, and compute nothing."""
    entries: int = 0
    """With --plan: as if the zoo had so many models, its own over and over."""
    set: tuple[str, ...] = ()
    """NAME=VALUE of any field of RankConfig (probes=4), or of the fine-tuning that verifies (finetune.steps=300)."""


@dataclass(frozen=True)
class Write:
    """What to write."""

    plot: Path | None = None
    """The picture. Default: ranking-TARGET.png in the working directory."""
    json: Path | None = None
    """The ranking as JSON."""
    report: Path | None = None
    """Folder for the ranking as one HTML page that needs no network: index.html."""
    heat_map: Path | None = None
    """Picture of the scores' agreement. Default: agreement-TARGET.png beside --plot, where several are shown."""


@dataclass(frozen=True)
class Rank:
    """Rank the models of a zoo for a task, without training.

    Give a folder with one sub-folder of images a class: lin-ft rank photos/
    """

    what: What
    how: How = field(default_factory=How)
    write: Write = field(default_factory=Write)

    def run(self) -> None:
        from lin_ft.commands.finetune import How as FinetuneOptions
        from lin_ft.data import load_task
        from lin_ft.ranking import GAIN, RankConfig, rank
        from lin_ft.workers import checked

        what, how = self.what, self.how
        checked(how.workers, "ray" if how.plan else how.executor)
        if how.entries and not how.plan:
            raise InputError(f"--entries {how.entries}: only a plan can have them; add --plan.")
        if how.verify < 0:
            raise InputError(f"--verify {how.verify}: give how many models to fine-tune, 0 or more.")
        mine, tuning = divided(how.set, "finetune")
        settings = changed(RankConfig(**self._settings()), mine, "rank")
        finetuning = changed(FinetuneOptions(), tuning, "finetune").checked() if how.verify and tuning else None
        zoo = chosen_zoo(what.zoo or zoo_for(what.target), what.models, what.without, what.reference)
        config = dataclasses.replace(settings, reference=reference_of(zoo, what.reference))
        task = load_task(what.target, shots=what.shots, seed=what.seed, size=what.size or side_of(zoo))
        if how.plan:
            self._say_plan(zoo, task, config)
            return
        ranking = rank(zoo, task, config, progress=True, workers=how.workers, executor=how.executor)
        written = self._write(ranking, task)
        show = console()
        show.print(ranking.table(wide=how.wide))
        if config.chosen:
            show.print(ranking.score_table())
        show.print(f"{', '.join(map(str, written))} written after {time.monotonic() - _STARTED:.0f} s.", soft_wrap=True)
        places = _first_and_last(len(ranking.models), how.verify)
        if places and ranking.score == GAIN:  # measured gains are over it
            names = [row.name for row in ranking.models]
            places = list(dict.fromkeys([*places, names.index(ranking.reference)]))
        for place in places:
            ranking = ranking.verified(zoo, task, place, finetuning, progress=True)
            self._write(ranking, task)
        if how.verify:
            show.print(ranking.table(wide=how.wide))
            show.print(ranking.verdict())
        if ranking.failed:
            each = "; ".join(f"model {failed.name!r}: {failed.reason}" for failed in ranking.failed)
            names = shlex.join(failed.name for failed in ranking.failed)
            raise InputError(
                f"{len(ranking.failed)} of {len(zoo)} models could not be ranked, the others were. {each}."
                f" Leave out what cannot be mended: --without {names}."
            )

    def _say_plan(self, zoo, task, config) -> None:
        from lin_ft.ranking import plan

        how = self.how
        planned = plan(
            zoo, task.n, task.train.images.shape[1], config, workers=how.workers, entries=how.entries or None
        )
        for row in planned.rows[: len(zoo)]:
            compiling = f" and {row.compiling:.0f} s to compile" if row.compiling else ""
            print(f"  {row.name}: {row.computing:.1f} CPU s{compiling}, {row.memory / 2**30:.1f} GiB")
        print(planned)

    def _settings(self) -> dict:
        """Of RankConfig, but for the reference."""
        what, how = self.what, self.how
        names = [name for name in how.score.split(",") if name]
        first = {"score": names[0]} if names and names[0] != "all" else {}
        return {
            "trainable": how.trainable, "left_out": how.left_out, "statistics": how.statistics, "seed": what.seed,
            "curve": how.curve,
            "scores": tuple(names[1:] if first else names), "source_shots": how.source_shots,
            "details": self.write.report is not None, **({"head": how.head} if how.head else {}), **first,
        }  # fmt: skip

    def _write(self, ranking, task) -> list[Path]:
        from lin_ft.report import plot_agreement, plot_ranking
        from lin_ft.report.html_report import write_report

        write = self.write
        plot = write.plot or Path(f"ranking-{task.name}.png")
        several = [name for name in self.how.score.split(",") if name] not in ([], [ranking.score])
        heat_map = write.heat_map or (plot.with_name(f"agreement-{task.name}.png") if several else None)
        plot_ranking(ranking, plot)
        if write.report:
            write_report(ranking, task, write.report, command=shlex.join(["lin-ft", *sys.argv[1:]]))
        if write.json:
            ranking.save_json(write.json)
        if heat_map:
            scores, tau = ranking.agreement()
            title = f"Rank agreement of the scores on {task.name}, {len(ranking.models)} models"
            plot_agreement(scores, tau, heat_map, title=title)
        return [path for path in (plot, write.json, heat_map, write.report) if path]


def _first_and_last(n: int, k: int) -> list[int]:
    """k places from both ends of a ranking of n: 0, n-1, 1, n-2, ..."""
    ends = [place for pair in zip(range(n), reversed(range(n)), strict=True) for place in pair]
    return list(dict.fromkeys(ends))[: min(k, n)]


def side_of(zoo) -> int:
    """Pixels: what half of the models were trained on, at most 112, a multiple of transformers' patches 14 and 16."""
    return min(112, sorted(model.card.image_size for model in zoo)[len(zoo) // 2])
