"""Which models are asked: those that are likely the best for the task, weighted by that probability."""

import contextlib
import dataclasses
from collections.abc import Sequence

import numpy as np

from lin_ft.data import Task
from lin_ft.data.draw import SHOTS
from lin_ft.data.sampler import sample_per_class
from lin_ft.errors import InputError
from lin_ft.files.progress import bar
from lin_ft.gain import predict_gains
from lin_ft.gain.predict import LEVEL
from lin_ft.ranking import Failed, RankConfig, View
from lin_ft.ranking.describe import evidence_of
from lin_ft.ranking.rank import candidate, kinds_of
from lin_ft.zoo import REFERENCE, ZooModel


@dataclasses.dataclass(frozen=True, eq=False)
class Asked:
    """Views of the likely best models on the task, the likeliest first."""

    views: tuple[View, ...]
    p_best: tuple[float, ...]
    """Of being the best of the zoo; they need not add up to 1."""
    failed: tuple[Failed, ...] = ()
    """Models that could not be asked, and why."""
    notes: tuple[str, ...] = ()


def likely_best(
    zoo: Sequence[ZooModel],
    task: Task,
    config: RankConfig | None = None,
    *,
    most: int = 3,
    least: int = 1,
    reference: str = REFERENCE,
    progress: bool = False,
) -> Asked:
    """The fewest models that hold the best with 90 %, `least` to `most` of them, by the posterior of `lin_ft.gain`.

    The posterior is taken from at most 10 training images of each class, as a ranking's. Where these are all there are,
    the views keep the kernels that were made for it. Cost: a kernel or two of these images for each model of the zoo,
    as their calibration needs; none where the zoo has one model.

    Raises:
        InputError: an empty zoo, or no model of it that can be asked; `most` below 1.

    Args:
      zoo: models to choose from.
      task: its training images are looked at.
      config: of the views.
      most: models that are asked.
      least: models that are asked, however sure the first is.
      reference: the model that gains are against.
      progress: show a bar on the terminal.

    Examples:
        >>> import lin_ft
        >>> from lin_ft import inspect
        >>> task = lin_ft.load_task("optdigits", shots=2, seed=0)
        >>> inspect.likely_best(lin_ft.embedded_zoo()[:1], task).p_best
        (1.0,)
    """
    if not zoo:
        raise InputError("zoo: it is empty; give at least one model.")
    if not 1 <= least <= most:
        raise InputError(f"least {least}, most {most}: give at least 1 model, and no more of the first.")
    if least > len(zoo):
        raise InputError(f"zoo: {len(zoo)} model, but {least} are needed; give more.")
    config = config or RankConfig()
    for model in zoo:  # before anything is computed that an error would lose
        model.check_size(*task.train.images.shape[1:3])
    if len(zoo) == 1:
        return Asked((View(zoo[0], task, config),), (1.0,))
    few = _few(task, config.seed)
    views, evidence, failed, kinds = {}, {}, [], kinds_of(zoo)
    with bar(f"models for {task.name}", len(zoo)) if progress else contextlib.nullcontext(lambda done: None) as show:
        for done, model in enumerate(zoo, 1):
            view = View(model, few, config)
            try:
                evidence[model.name], views[model.name] = evidence_of(view, kinds), view
            except InputError as error:
                failed.append(Failed(model.name, str(error).rstrip(".")))
            show(done)
    if not views:
        raise InputError(f"model {failed[0].name!r} could not be asked, nor any other: {failed[0].reason}.")
    gains = predict_gains(evidence, [candidate(view.model) for view in views.values()], reference)
    places, _ = gains.posterior.smallest_set(LEVEL)
    if len(places) < least:
        places = np.argsort(-gains.p_best, kind="stable")[:least].tolist()
    names = list(views)
    chosen = [views[names[place]] for place in places[:most]]
    if few is not task:
        chosen = [dataclasses.replace(view, task=task, made={}) for view in chosen]
    return Asked(
        tuple(chosen), tuple(float(gains.p_best[place]) for place in places[:most]), tuple(failed), gains.notes
    )


def _few(task: Task, seed: int) -> Task:
    """The task with at most SHOTS training images of each class; itself where it has no more."""
    counts = task.train.counts()
    if counts.max() <= SHOTS:
        return task
    wanted = np.minimum(counts[counts > 0], SHOTS)
    chosen = sample_per_class(task.train.labels, wanted, seed, purpose="train")
    return dataclasses.replace(task, train=task.train.take(chosen))
