"""The main job: rank the models of a zoo for a task, from the training images alone."""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from lin_ft import scores as suite
from lin_ft.data import Task
from lin_ft.errors import InputError
from lin_ft.files.progress import bar
from lin_ft.predict import bootstrap_interval, decompose, select, stratified_folds
from lin_ft.predict.selection import Prediction
from lin_ft.ranking.config import RankConfig
from lin_ft.ranking.result import SCORES, Details, RankedModel, Ranking
from lin_ft.ranking.view import Seen, look
from lin_ft.scores import alignment, encode, label_feature, predicted_decrease
from lin_ft.side_by_side import score_inputs
from lin_ft.spectra import spectrum_of
from lin_ft.zoo import ZooModel


def rank(zoo: Sequence[ZooModel], task: Task, config: RankConfig | None = None, *, progress: bool = False) -> Ranking:
    """Rank the models for the task from its training images; validation and test images are not looked at.

    Every row is `describe`d; gains are against `config.reference`, and None when the zoo does not have it.
    Ties keep the order of the zoo. Cost: see `describe`, once for each model; models of one architecture share
    their compiled programs.
    """
    config = config or RankConfig()
    if not zoo:
        raise InputError("zoo: it is empty; give at least one model.")
    rows = []
    with bar(f"ranking for {task.name}", len(zoo)) if progress else _silent() as show:
        for done, model in enumerate(zoo):
            rows.append(describe(model, task, config))
            show(done + 1)
    reference = next((row for row in rows if row.name == config.reference), None)
    combined = suite.combined(config.chosen, [row.scores for row in rows])
    rows = [dataclasses.replace(row, scores=scores) for row, scores in zip(rows, combined, strict=True)]
    if config.score not in SCORES and all(row.scores[config.score].value is None for row in rows):
        raise InputError(f"score {config.score!r}: no value for any model: {rows[0].scores[config.score].reason}.")
    sources = [row.source for row in rows]
    rows = [row if sources.count(row.source) == 1 else dataclasses.replace(row, source=row.name) for row in rows]
    rows.sort(key=lambda row: row.key(config.score), reverse=True)
    rows = [
        dataclasses.replace(
            row,
            rank=place + 1,
            predicted_gain=None if reference is None else row.predicted_accuracy - reference.predicted_accuracy,
        )
        for place, row in enumerate(rows)
    ]
    return Ranking(task.name, task.n, task.n_classes, config.reference, config.score, tuple(rows))


def describe(model: ZooModel, task: Task, config: RankConfig | None = None, *, seen: Seen | None = None) -> RankedModel:
    """All quantities of one model on one task; `rank` and `predicted_gain` are left for `rank` to fill.

    The initial logits are taken as zero (a head and its negative, Chizat et al. 2019), so the residual is Y itself:
    leave-one-out never meets a head that has seen the label.
    Cost: that of `look`, unless it was `seen` before, and O(n³) for the spectrum.
    """
    config = config or RankConfig()
    seen = seen or look(model, task, config)
    began = time.monotonic() - seen.seconds
    features, targets, kernel, labels = seen.features, seen.targets, seen.kernel, np.asarray(task.train.labels)
    spectrum = decompose(kernel)
    scale = spectrum.scale
    prediction = select(
        spectrum,
        targets,
        labels,
        [time / scale for time in config.times],
        [ridge * scale for ridge in config.ridges],
        folds=None if config.left_out == "image" else stratified_folds(labels, _shots(labels), seed=config.seed),
    )
    ranked = RankedModel(
        name=model.name,
        source=model.card.source if model.card.family == "single" else model.name,
        rank=0,
        predicted_accuracy=prediction.accuracy,
        predicted_accuracy_interval=bootstrap_interval(prediction.correct, seed=config.seed),
        predicted_loss=prediction.loss,
        predicted_gain=None,
        predicted_decrease=predicted_decrease(kernel, targets, spectrum=spectrum),
        label_gradient=alignment(kernel, targets, form="cka"),
        label_feature_correlation=label_feature(features, targets, form="cka"),
        seconds=round(time.monotonic() - began, 3),
        correct=tuple(float(value) for value in prediction.correct),
        details=_details(config, prediction, kernel, labels, model, task) if config.details else None,
    )
    if not config.chosen:
        return ranked
    inputs = score_inputs(
        model,
        task,
        features=features,
        targets=targets,
        kernel=np.asarray(kernel),
        reference=config.reference,
        seed=config.seed,
        source_shots=config.source_shots,
    )
    return dataclasses.replace(ranked, scores=suite.evaluate(config.chosen, inputs))


def _shots(labels: np.ndarray) -> int:
    """Images of the largest class; at least two folds."""
    return max(2, int(np.bincount(labels).max()))


def _details(
    config: RankConfig, prediction: Prediction, kernel: Any, labels: Any, model: ZooModel, task: Task
) -> Details:
    place = int(np.argmin(prediction.losses.min(0)))
    return Details(
        times=tuple(sorted(config.times)),
        accuracies=tuple(prediction.accuracies[:, place].tolist()),
        predicted=tuple(prediction.logits.argmax(1).tolist()),
        spectrum=spectrum_of(np.asarray(kernel, np.float64), encode(labels, task.n_classes), model.name, task.name),
    )


@contextlib.contextmanager
def _silent() -> Iterator[Callable[[int], None]]:
    yield lambda done: None
