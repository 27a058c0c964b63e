"""The main job: rank the models of a zoo for a task, from the training images alone."""

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from lin_ft import scores as suite
from lin_ft.batch_statistics import STATISTICS, Statistics
from lin_ft.data import Task
from lin_ft.errors import InputError
from lin_ft.files.progress import bar
from lin_ft.gain import Candidate, Prior, Sight, load, predict_gains, terms
from lin_ft.gain.curve import curve, parts_of
from lin_ft.predict import backbone_part, balanced_accuracy, bootstrap_interval, is_unbalanced
from lin_ft.ranking.config import RankConfig
from lin_ft.ranking.inputs import score_inputs
from lin_ft.ranking.kept import made_of
from lin_ft.ranking.result import GAIN, SCORES, Details, Failed, RankedModel, Ranking
from lin_ft.ranking.view import View
from lin_ft.scores import alignment, evaluate, label_feature, predicted_decrease
from lin_ft.zoo import ZooModel


def rank(zoo: Sequence[ZooModel], task: Task, config: RankConfig | None = None, *, progress: bool = False) -> Ranking:
    """Rank the models for the task from its training images; validation and test images are not looked at.

    A model that cannot be ranked is left out and named in `Ranking.failed`; the others are ranked.
    Every row is `describe`d; where training classes differ in size, predicted accuracies are the balanced ones. Gains
    are against `config.reference`, and None when the zoo does not have it. Ties keep the order of the zoo. Cost: see
    `describe`, once for each model; models of one architecture share their compiled programs.

    Examples:
        >>> import lin_ft
        >>> task = lin_ft.load_task("optdigits", shots=2, seed=0)
        >>> zoo = lin_ft.embedded_zoo()[:2]
        >>> ranking = lin_ft.rank(zoo, task, lin_ft.RankConfig(head="zero"))  # from features alone
        >>> sorted(row.name for row in ranking.models), ranking.n
        (['animal_silhouettes-resnet20', 'cifar10-resnet20'], 20)
    """
    config = config or RankConfig()
    ranking = _ranked(zoo, task, config, progress)
    return dataclasses.replace(ranking, made_of=made_of(zoo, task, config))


def _ranked(zoo: Sequence[ZooModel], task: Task, config: RankConfig, progress: bool) -> Ranking:
    if not zoo:
        raise InputError("zoo: it is empty; give at least one model.")
    names = [model.name for model in zoo]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"zoo: {', '.join(twice)} come twice; every model needs a name of its own.")
    for model in zoo:  # before anything is computed that an error would lose
        model.check_size(*task.train.images.shape[1:3])
    rows, failed, evidence, parts = [], [], {}, {}
    kinds = kinds_of(zoo)
    several = task.train.counts().min() > 1
    with bar(f"ranking for {task.name}", len(zoo)) if progress else _silent() as show:
        for done, model in enumerate(zoo):
            try:
                view = View(model, task, config)
                told = evidence_of(view, kinds) if config.score == GAIN else {}
                rows.append(describe(view))
                evidence[model.name] = told
                if config.curve and several:
                    parts[model.name] = parts_of(_where_it_starts(view, kinds).kernel, view.labels, seed=config.seed)
            except InputError as error:
                failed.append(Failed(model.name, str(error).rstrip(".")))
            show(done + 1)
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


def _where_it_starts(view: View, kinds: Sequence[Statistics]) -> View:
    """What gains are told from, whatever else is shown: under the target's statistics where its calibration is."""
    return view.under(statistics="target" if "target" in kinds else "source", head="random")


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


def evidence_of(view: View, kinds: Sequence[Statistics] = STATISTICS) -> dict[str, float]:
    """The terms of lin_ft.gain of one model on one task, under these kinds of batch statistics.

    Cost: a kernel for each kind; one where the network has no BatchNorm.
    """
    sights: dict[str, Sight] = {}
    for kind in sorted(kinds):
        of_kind = view.under(statistics=kind, head="random")
        if kind == "target" and of_kind.network is view.model and "source" in sights:
            sights[kind] = sights["source"]
            continue
        sights[kind] = Sight(of_kind.features, backbone_part(of_kind.kernel, of_kind.features))
    return terms(sights, view.labels, seed=view.config.seed)


def describe(view: View) -> RankedModel:
    """All quantities of one model on one task; `predicted_gain` and what depends on other models are left for `rank`.

    The initial logits are taken as zero (a head and its negative, Chizat et al. 2019), so the residual is Y itself:
    leave-one-out never meets a head that has seen the label.
    Cost: that of the view's features, kernel and spectrum, unless it has them, and O(n³) for leave-one-out.

    Examples:
        >>> import lin_ft
        >>> task = lin_ft.load_task("optdigits", shots=2, seed=0)
        >>> zoo = lin_ft.embedded_zoo()[:2]
        >>> from lin_ft.ranking import View, describe
        >>> row = describe(View(zoo[0], task, lin_ft.RankConfig(head="zero")))
        >>> row.name, 0 <= row.predicted_accuracy <= 1
        ('cifar10-resnet20', True)
    """
    began = time.monotonic() - sum(view.spent.values())
    config, prediction = view.config, view.prediction
    ranked = RankedModel(
        name=view.model.name,
        source=view.model.card.source,
        rank=0,
        predicted_accuracy=prediction.accuracy,
        predicted_accuracy_interval=bootstrap_interval(prediction.correct, seed=config.seed),
        predicted_loss=prediction.loss,
        predicted_gain=None,
        predicted_decrease=predicted_decrease(view.kernel, view.targets, spectrum=view.spectrum),
        label_gradient=alignment(view.kernel, view.targets, form="cka"),
        label_feature_correlation=label_feature(view.features, view.targets, form="cka"),
        seconds=round(time.monotonic() - began, 3),
        correct=tuple(float(value) for value in prediction.correct),
        details=_details(view) if config.details else None,
    )
    return dataclasses.replace(ranked, scores=evaluate(config.chosen, score_inputs(view))) if config.chosen else ranked


def _balanced(row: RankedModel, labels: np.ndarray, seed: int) -> RankedModel:
    return dataclasses.replace(
        row,
        predicted_accuracy=balanced_accuracy(np.asarray(row.correct), labels),
        predicted_accuracy_interval=bootstrap_interval(np.asarray(row.correct), labels=labels, seed=seed),
    )


def _details(view: View) -> Details:
    prediction = view.prediction
    place = int(np.argmin(prediction.losses.min(0)))
    return Details(
        times=tuple(sorted(view.config.times)),
        accuracies=tuple(prediction.accuracies[:, place].tolist()),
        predicted=tuple(prediction.logits.argmax(1).tolist()),
        spectrum=view.label_spectrum,
    )


@contextlib.contextmanager
def _silent() -> Iterator[Callable[[int], None]]:
    yield lambda done: None
