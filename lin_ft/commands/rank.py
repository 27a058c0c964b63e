"""`lin-ft rank`."""

import shlex
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lin_ft.commands.zoo_of_name import chosen_zoo
from lin_ft.errors import InputError

_STARTED = time.monotonic()


@dataclass(frozen=True)
class Rank:
    """Rank the models of a zoo for a task, without training."""

    target: str
    """A data set's name, a folder with one sub-folder of images a class, or an .npz file."""
    shots: int | Literal["all"] | None = None
    """Training images a class, or all. Default: 10, or what there is in classes with fewer."""
    seed: int = 0
    """Of the few-shot sample and of every random choice after it."""
    zoo: str = "embedded"
    """'embedded'; 'multi_domain'; 'packaged' or 'user', what `lin-ft zoo fetch` and `lin-ft zoo add` put there; or a
    zoo's folder. Several joined by commas are one."""
    models: tuple[str, ...] = ()
    """Only these (default: all). The reference always takes part."""
    size: int = 0
    """Pixels a side of the images. Default: those of the zoo's smallest model, 112 at most."""
    score: str = ""
    """What to rank by, and after commas what to show beside it: names of `lin-ft scores list`, all, or a function of
    your own, file.py:function. Default: the one measured to rank best."""
    source_shots: int = 0
    """Images a class of each model's source data, for the scores that need them (fetched at first use)."""
    heat_map: Path | None = None
    """Picture of the scores' rank agreement; default: agreement-TARGET.png beside the ranking's, where
    several scores are shown."""
    head: str = ""
    """New head: zero, random or ridge. Default: the one measured to rank best."""
    left_out: str = "image"
    """Predict each image from all others, or each shot (one image of each class) from the other shots: shot predicts
    accuracies on hard tasks with less bias."""
    statistics: Literal["target", "source"] = "source"
    """Of BatchNorm where a network is linearized: re-estimated from the training images, where fine-tuning starts, or
    those of its pre-training."""
    trainable: str = "all"
    """Weights that fine-tuning would change: all, head, norm or last_block."""
    json: Path | None = None
    """Write the ranking here as well."""
    plot: Path | None = None
    """The picture; default: ranking-TARGET.png in the working directory."""
    report: Path | None = None
    """Folder for the ranking as one HTML page that needs no network: index.html."""
    verify: int = 0
    """Fine-tune the first K/2 and last K/2 of the ranking for real; 2: the first and the last."""

    def run(self) -> None:
        from rich.console import Console

        from lin_ft.data import load_task
        from lin_ft.ranking import RankConfig, rank
        from lin_ft.report import plot_agreement, plot_ranking
        from lin_ft.report.html_report import write_report

        names = [name for name in self.score.split(",") if name]
        chosen: dict = {"head": self.head} if self.head else {}
        if names and names[0] != "all":
            chosen["score"] = names[0]
        shown = tuple(names[1:] if "score" in chosen else names)
        if self.verify < 0:
            raise InputError(f"--verify {self.verify}: give how many models to fine-tune, 0 or more.")
        zoo = chosen_zoo(self.zoo, self.models)
        config = RankConfig(
            trainable=self.trainable, left_out=self.left_out, statistics=self.statistics, seed=self.seed, scores=shown,
            source_shots=self.source_shots, reference=_reference(zoo), details=self.report is not None, **chosen,
        )  # fmt: skip
        task = load_task(self.target, shots=self.shots, seed=self.seed, size=self.size or _side(zoo))
        plot = self.plot or Path(f"ranking-{task.name}.png")
        heat_map = self.heat_map or (plot.with_name(f"agreement-{task.name}.png") if config.scores else None)
        ranking = rank(zoo, task, config, progress=True)
        console = Console()

        def write() -> None:
            plot_ranking(ranking, plot)
            if self.report:
                write_report(ranking, task, self.report, command=shlex.join(["lin-ft", *sys.argv[1:]]))
            if self.json:
                ranking.save_json(self.json)
            if heat_map:
                scores, tau = ranking.agreement()
                title = f"Rank agreement of the scores on {task.name}, {len(ranking.models)} models"
                plot_agreement(scores, tau, heat_map, title=title)

        write()
        console.print(ranking.table())
        if config.chosen:
            console.print(ranking.score_table())
        written = ", ".join(str(path) for path in (plot, self.json, heat_map, self.report) if path)
        console.print(f"{written} written after {time.monotonic() - _STARTED:.0f} s.")
        for place in _first_and_last(len(ranking.models), self.verify):
            ranking = ranking.verified(zoo, task, place, progress=True)
            write()
        if self.verify:
            console.print(ranking.table())
            console.print(ranking.verdict())


def _first_and_last(n: int, k: int) -> list[int]:
    """k places from both ends of a ranking of n: 0, n-1, 1, n-2, ..."""
    ends = [place for pair in zip(range(n), reversed(range(n)), strict=True) for place in pair]
    return list(dict.fromkeys(ends))[: min(k, n)]


def _side(zoo) -> int:
    """Pixels: what half of the models were trained on, at most 112, a multiple of transformers' patches 14 and 16."""
    return min(112, sorted(model.card.image_size for model in zoo)[len(zoo) // 2])


def _reference(zoo) -> str:
    """The model that gains are against: the embedded zoo's or, where that is missing, the packaged zoo's."""
    from lin_ft.zoo import REFERENCE

    names = {model.name for model in zoo}
    return REFERENCE if REFERENCE in names else next(iter(names & {"imagenet_mobilenet_v2"}), REFERENCE)
