"""The main job: rank the models of a zoo for a task, from the training images alone."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from lin_ft import scores as suite
from lin_ft.batch_statistics import STATISTICS, Statistics
from lin_ft.data import Task
from lin_ft.errors import InputError
from lin_ft.gain import Candidate, Prior, load, predict_gains
from lin_ft.gain.curve import curve
from lin_ft.predict import balanced_accuracy, bootstrap_interval, is_unbalanced
from lin_ft.ranking.config import RankConfig
from lin_ft.ranking.kept import made_of
from lin_ft.ranking.result import GAIN, SCORES, Failed, RankedModel, Ranking
from lin_ft.ranking.side_by_side import Described, side_by_side
from lin_ft.zoo import ZooModel


def rank(
    zoo: Sequence[ZooModel],
    task: Task,
    config: RankConfig | None = None,
    *,
    progress: bool = False,
    workers: int = 1,
    executor: str = "local",
) -> Ranking:
    """Rank the models for the task from its training images; validation and test images are not looked at.

    A model that cannot be ranked is left out and named in `Ranking.failed`; the others are ranked.
    Every row is `describe`d; where training classes differ in size, predicted accuracies are the balanced ones. Gains
    are against `config.reference`, and None when the zoo does not have it. Ties keep the order of the zoo. Cost: see
    `describe`, once for each model; models of one architecture share their compiled programs.

    Args:
        zoo: the models, each with a name of its own.
        task: whose training images are looked at.
        config: what is computed, and by what models are ranked; None: as `RankConfig` has it.
        progress: show how far it is, on the terminal.
        workers: models side by side, in so many processes of this machine with cores of their own. A script that asks
            for more than one needs `if __name__ == "__main__":`. What a lost worker did is done again, three times at
            most.
        executor: "local", or "ray": tasks of a Ray cluster.

    Examples:
        >>> import lin_ft
        >>> task = lin_ft.load_task("optdigits", shots=2, seed=0)
        >>> zoo = lin_ft.embedded_zoo()[:2]
        >>> ranking = lin_ft.rank(zoo, task, lin_ft.RankConfig(head="zero"))  # from features alone
        >>> sorted(row.name for row in ranking.models), ranking.n
        (['animal_silhouettes-resnet20', 'cifar10-resnet20'], 20)
    """
    config = config or RankConfig()
    ranking = _ranked(zoo, task, config, progress, workers, executor)
    return dataclasses.replace(ranking, made_of=made_of(zoo, task, config))


def _ranked(
    zoo: Sequence[ZooModel], task: Task, config: RankConfig, progress: bool, workers: int, executor: str
) -> Ranking:
    if not zoo:
        raise InputError("zoo: it is empty; give at least one model.")
    names = [model.name for model in zoo]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"zoo: {', '.join(twice)} come twice; every model needs a name of its own.")
    for model in zoo:  # before anything is computed that an error would lose
        model.check_size(*task.train.images.shape[1:3])
    kinds = kinds_of(zoo) if config.score == GAIN or config.curve else ()
    found = side_by_side(zoo, task, config, kinds, progress=progress, workers=workers, executor=executor)
    failed = [each for each in found if isinstance(each, Failed)]
    described = [each for each in found if isinstance(each, Described)]
    rows, evidence = [each.row for each in described], {each.row.name: each.evidence for each in described}
    parts = {each.row.name: each.parts for each in described if each.parts}
    if not rows:
        others = f" (nor could the {len(failed) - 1} others)" if len(failed) > 1 else ""
        raise InputError(f"model {failed[0].name!r} could not be ranked{others}: {failed[0].reason}.")
    counts = tuple(task.train.counts().tolist())
    if is_unbalanced(counts):
        rows = [_balanced(row, task.train.labels, config.seed) for row in rows]
    reference = next((row for row in rows if row.name == config.reference), None)
    combined = suite.combined(config.chosen, [row.scores for row in rows])
    rows = [dataclasses.replace(row, scores=scores) for row, scores in zip(rows, combined, strict=True)]
    if config.score not in (*SCORES, GAIN) and all(row.scores[config.score].value is None for row in rows):
        raise InputError(f"score {config.score!r}: no value for any model: {rows[0].scores[config.score].reason}.")
    if config.score == GAIN:
        ranking = _by_gain(rows, evidence, zoo, task, config, counts, tuple(failed))
        return _with_curve(ranking, parts) if config.curve else ranking
    rows.sort(key=lambda row: row.key(config.score), reverse=True)
    rows = [
        dataclasses.replace(
            row,
            rank=place + 1,
            predicted_gain=None if reference is None else row.predicted_accuracy - reference.predicted_accuracy,
        )
        for place, row in enumerate(rows)
    ]
    about = (task.name, task.n, task.n_classes, config.reference, config.score)
    ranking = Ranking(*about, tuple(rows), counts, tuple(failed))
    return _with_curve(ranking, parts) if config.curve else ranking


def _by_gain(
    rows: list[RankedModel],
    evidence: dict[str, dict[str, float]],
    zoo: Sequence[ZooModel],
    task: Task,
    config: RankConfig,
    counts: tuple[int, ...],
    failed: tuple[Failed, ...],
) -> Ranking:
    """Rows by the posterior of lin_ft.gain; the predicted accuracy is the reference's level plus the gain."""
    ranked = [candidate(model) for model in zoo if model.name in evidence]
    gains = predict_gains(evidence, ranked, config.reference)
    for place, row in enumerate(rows):
        new: dict[str, Any] = {
            "predicted_gain": float(gains.gain[place]),
            "predicted_gain_interval": tuple(gains.gain_interval[place].tolist()),
            "p_best": float(gains.p_best[place]),
        }
        if np.isfinite(gains.accuracy[place]):
            new["predicted_accuracy"] = float(gains.accuracy[place])
            new["predicted_accuracy_interval"] = tuple(gains.accuracy_interval[place].tolist())
        rows[place] = dataclasses.replace(row, **new)
    advice = gains.sentence([row.name for row in rows])
    rows.sort(key=lambda row: row.key(GAIN), reverse=True)
    ordered = tuple(dataclasses.replace(row, rank=place + 1) for place, row in enumerate(rows))
    about = (task.name, task.n, task.n_classes, gains.reference, GAIN)
    notes = gains.notes
    if config.trainable != "all":
        notes += (f"Gains are calibrated on fine-tuning all weights, not {config.trainable}.",)
    return Ranking(*about, ordered, counts, failed, gains, advice, notes)


def _with_curve(ranking: Ranking, parts: dict[str, dict[float, float]]) -> Ranking:
    first = ranking.models[0]
    if first.name not in parts:
        note = "No curve: a class has one training image, and two are needed to leave one out."
        return dataclasses.replace(ranking, notes=(*ranking.notes, note))
    at_n = first.predicted_accuracy, first.predicted_accuracy_interval
    return dataclasses.replace(ranking, curve=curve(parts[first.name], ranking.n, ranking.n_classes, *at_n))


def kinds_of(zoo: Sequence[ZooModel]) -> tuple[Statistics, ...]:
    """Of batch statistics: those that the gains of these models are told from."""
    needed = load().part([candidate(model) for model in zoo])[1].statistics
    return tuple(kind for kind in STATISTICS if kind in needed)


def candidate(model: ZooModel) -> Candidate:
    """What lin_ft.gain knows a model by: the weights as they lie on disk, not a name that another may bear."""
    card = model.card
    try:
        digest = model.weights_digest
    except InputError:  # told where the model is ranked
        digest = ""
    prior = Prior(float(card.prior["mean"]), float(card.prior["sd"])) if card.prior else None
    return Candidate(card.name, card.architecture, card.family, digest, prior)


def _balanced(row: RankedModel, labels: np.ndarray, seed: int) -> RankedModel:
    return dataclasses.replace(
        row,
        predicted_accuracy=balanced_accuracy(np.asarray(row.correct), labels),
        predicted_accuracy_interval=bootstrap_interval(np.asarray(row.correct), labels=labels, seed=seed),
    )
