"""One model on one task: its row, and what the gain takes of it."""

import dataclasses
import time
from collections.abc import Sequence

import numpy as np

from lin_ft.batch_statistics import STATISTICS, Statistics
from lin_ft.gain import Sight, terms
from lin_ft.gain.curve import parts_of
from lin_ft.predict import backbone_part, bootstrap_interval
from lin_ft.ranking.inputs import score_inputs
from lin_ft.ranking.result import Details, RankedModel
from lin_ft.ranking.view import View
from lin_ft.scores import alignment, evaluate, label_feature
from lin_ft.scores.predicted_decrease import decrease


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
        if of_kind.sketched:
            sketch = of_kind.sketch
            sights[kind] = Sight(of_kind.features, rows=sketch[:, : sketch.shape[1] - of_kind.head_columns])
        else:
            sights[kind] = Sight(of_kind.features, backbone_part(of_kind.kernel, of_kind.features))
    return terms(sights, view.labels, seed=view.config.seed)


def parts_for_curve(view: View, kinds: Sequence[Statistics]) -> dict[float, float]:
    """What `lin_ft.gain.curve` foretells from; nothing where a class has one image.

    Under the target's statistics where the gain's calibration is.
    """
    if view.task.train.counts().min() < 2:
        return {}
    start = view.under(statistics="target" if "target" in kinds else "source", head="random")
    return parts_of(start.kernel, view.labels, seed=view.config.seed)


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
        predicted_decrease=decrease(view.spectrum, view.targets),
        label_gradient=label_feature(view.sketch, view.targets, form="cka")
        if view.sketched
        else alignment(view.kernel, view.targets, form="cka"),
        label_feature_correlation=label_feature(view.features, view.targets, form="cka"),
        seconds=round(time.monotonic() - began, 3),
        correct=tuple(float(value) for value in prediction.correct),
        details=_details(view) if config.details else None,
    )
    return dataclasses.replace(ranked, scores=evaluate(config.chosen, score_inputs(view))) if config.chosen else ranked


def _details(view: View) -> Details:
    prediction = view.prediction
    place = int(np.argmin(prediction.losses.min(0)))
    return Details(
        times=tuple(sorted(view.config.times)),
        accuracies=tuple(prediction.accuracies[:, place].tolist()),
        predicted=tuple(prediction.logits.argmax(1).tolist()),
        spectrum=view.label_spectrum,
    )
