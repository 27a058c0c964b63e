"""What one model's training images say of its gain: a fixed list of terms, each larger for more promising models."""

import dataclasses
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

from lin_ft.batch_statistics import STATISTICS
from lin_ft.predict import (
    backbone_decrease,
    balanced_accuracy,
    decompose,
    head_decrease,
    matchings,
    select,
)
from lin_ft.scores import alignment, encode, predicted_decrease

MATCHINGS = 4
NAMES = tuple(
    f"{name}/{kind}"
    for kind in STATISTICS
    for name in (
        "decrease", "head_decrease", "backbone_decrease", "label_feature_cka", "label_gradient_cka", "shots_loss",
        "shots_accuracy", "shots_loss_features", "shots_accuracy_features",
    )
)  # fmt: skip
"""Of the terms."""
RIDGES = tuple(10.0 ** (power / 2) for power in range(-8, 3))
"""In units of the mean eigenvalue, for the level."""


@dataclasses.dataclass(frozen=True, eq=False)
class Sight:
    """What a model sees of the training images, under one choice of batch statistics."""

    features: Float[np.ndarray, "n d"]
    backbone: Float[np.ndarray, "n n"]
    """B, the backbone's part of the tangent kernel; see lin_ft.predict.two_clocks."""


def terms(sights: Mapping[str, Sight], labels: Int[np.ndarray, " n"], *, seed: int = 0) -> dict[str, float]:
    """Name/STATISTICS -> value, larger is better; NaN where a term needs two images of a class.

    - `head_decrease`, `backbone_decrease`: share of the squared loss that either part of the kernel removes, each by
      its own clock: the Label-Gradient of two parts.
    - `decrease`: that of the whole kernel in its own time, `lin_ft.scores.predicted_decrease`.
    - `label_feature_cka`, `label_gradient_cka`: alignment with the labels of the features' and of the whole kernel.
    - `shots_loss`, `shots_accuracy` (balanced): of ridge regression with the whole kernel, one image of each class left
      out at a time, the ridge chosen by the loss (`_features`: with the head's part alone).

    Cost: a few decompositions, O(n³), for each of `sights`.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.gain import Sight, terms
        >>> rng, labels = np.random.default_rng(0), np.arange(12) % 3
        >>> features = np.eye(3)[labels] + 0.1 * rng.normal(size=(12, 3))
        >>> found = terms({"target": Sight(features, features @ features.T)}, labels)
        >>> found["shots_accuracy/target"], 0.5 < found["head_decrease/target"] <= 1
        (1.0, True)
    """
    y = np.asarray(labels)
    targets = encode(y, int(y.max()) + 1) - 1 / (int(y.max()) + 1)
    folds = matchings(y, MATCHINGS, seed=seed) if np.bincount(y).max() > 1 else None
    found: dict[str, float] = {}
    for kind in STATISTICS:
        if kind not in sights:
            continue
        phi, backbone = np.asarray(sights[kind].features, np.float64), np.asarray(sights[kind].backbone, np.float64)
        head = phi @ phi.T + 1
        found[f"decrease/{kind}"] = float(predicted_decrease(head + backbone, targets))
        found[f"head_decrease/{kind}"] = head_decrease(phi, targets)
        found[f"backbone_decrease/{kind}"] = backbone_decrease(backbone, targets)
        found[f"label_feature_cka/{kind}"] = float(alignment(head, targets, form="cka"))
        found[f"label_gradient_cka/{kind}"] = float(alignment(head + backbone, targets, form="cka"))
        for name, kernel in (("", head + backbone), ("_features", head)):
            found[f"shots_loss{name}/{kind}"] = found[f"shots_accuracy{name}/{kind}"] = np.nan
            if folds is not None:
                spectrum = decompose(kernel)
                ridges = [ridge * spectrum.scale for ridge in RIDGES]
                prediction = select(spectrum, targets, y, [np.inf], ridges, folds=folds)
                found[f"shots_loss{name}/{kind}"] = -prediction.loss
                found[f"shots_accuracy{name}/{kind}"] = balanced_accuracy(prediction.correct, y)
    return found
