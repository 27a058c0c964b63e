"""The models of a zoo one after the other or side by side: whoever works, a row is there as soon as it is done."""

import contextlib
import dataclasses
import functools
import logging
import pickle
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, NamedTuple

from lin_ft.batch_statistics import Statistics
from lin_ft.data import Task
from lin_ft.errors import InputError
from lin_ft.files.progress import bar
from lin_ft.ranking.config import MANY, RankConfig
from lin_ft.ranking.describe import describe, evidence_of, parts_for_curve
from lin_ft.ranking.result import GAIN, Failed, RankedModel
from lin_ft.ranking.view import View
from lin_ft.workers import Lost, checked
from lin_ft.zoo import ZooModel
from lin_ft.zoo.identity import card_digest

logger = logging.getLogger(__name__)


class Described(NamedTuple):
    """What is computed of one model alone."""

    row: RankedModel
    evidence: dict[str, float]
    """For the score `gain`; else nothing."""
    parts: dict[float, float]
    """For the curve; else nothing."""


def of_model(task: Task, config: RankConfig, kinds: Sequence[Statistics], model: ZooModel) -> Described | Failed:
    """The work of one worker at one model."""
    try:
        view = View(model, task, config)
        told = evidence_of(view, kinds) if config.score == GAIN else {}
        return Described(describe(view), told, parts_for_curve(view, kinds) if config.curve else {})
    except InputError as error:
        return Failed(model.name, str(error).rstrip("."))


def side_by_side(
    zoo: Sequence[ZooModel],
    task: Task,
    config: RankConfig,
    kinds: Sequence[Statistics] = (),
    *,
    progress: bool = False,
    workers: int = 1,
    executor: str = "local",
) -> list[Described | Failed]:
    """What is found of each model, in the order of the zoo; `kinds` of batch statistics are those of the gain.

    Models of one architecture, which share compiled programs, are done by one worker where that leaves none idle.
    """
    run, found, began = checked(workers, executor), {}, time.monotonic()
    alone = workers == 1 and executor == "local"
    items = list(zoo) if alone else [_portable(model) for model in zoo]
    work = functools.partial(of_model, task, config, kinds)
    if config.kernel == "auto" and task.n > MANY:
        logger.info(
            "Kernel: sketched to %d numbers an image, for these are %d images; --set kernel=exact for the exact one.",
            config.dimension, task.n,
        )  # fmt: skip
    title = f"ranking for {task.name}"
    with bar(title, len(zoo), left=True, shown=progress) if progress else _silent() as show:
        show(0, f"{title}: {zoo[0].name}, 1 of {len(zoo)}")
        for done, (place, value) in enumerate(run(work, items, workers, _kind), 1):
            found[place] = Failed(zoo[place].name, value.reason) if isinstance(value, Lost) else value
            following = zoo[place + 1].name if alone and place + 1 < len(zoo) else f"{zoo[place].name} done"
            show(done, f"{title}: {following}, {min(done + alone, len(zoo))} of {len(zoo)}")
            if progress and not alone:
                logger.info(
                    "%d of %d, %s; %s left.", done, len(zoo), _told(found[place]), _duration(began, done, len(zoo))
                )
    return [found[place] for place in range(len(zoo))]


def _kind(model: ZooModel) -> Hashable:
    """Equal for models that share compiled programs."""
    card = dataclasses.replace(model.card, mean=(), std=())
    return card_digest(card)


def _portable(model: ZooModel) -> ZooModel:
    """The model without what it has read, for another process to read."""
    if type(model) is ZooModel:
        return dataclasses.replace(model)
    try:
        pickle.dumps(model)
    except Exception as error:
        raise InputError(
            f"model {model.name!r}: it cannot be given to another process ({error}); rank with one worker, or save it"
            " and add it to a zoo."
        ) from error
    return model


def _told(found: Any) -> str:
    if isinstance(found, Failed):
        return f"{found.name}: not ranked, {found.reason}"
    row = found.row
    return f"{row.name}: predicted accuracy {row.predicted_accuracy:.1%} in {row.seconds:.1f} s"


def _duration(began: float, done: int, total: int) -> str:
    seconds = (time.monotonic() - began) / done * (total - done)
    return f"about {seconds / 60:.0f} min" if seconds > 90 else f"about {seconds:.0f} s"


@contextlib.contextmanager
def _silent() -> Iterator[Callable[..., None]]:
    yield lambda done, title=None: None
