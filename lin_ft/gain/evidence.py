"""What one model's training images say of its gain: a fixed list of terms, each larger for more promising models."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from lin_ft.batch_statistics import STATISTICS
from lin_ft.errors import InputError
from lin_ft.predict import (
    PrimalSpectrum,
    Spectrum,
    balanced_accuracy,
    decompose,
    decompose_features,
    matchings,
    select,
)
from lin_ft.predict.two_clocks import BACKBONE_TIME, HEAD_TIME, loss_removed
from lin_ft.scores import alignment, encode, label_feature
from lin_ft.scores.predicted_decrease import decrease

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
    backbone: Float[np.ndarray, "n n"] | None = None
    """B, the backbone's part of the tangent kernel; see lin_ft.predict.two_clocks."""
    rows: Float[np.ndarray, "n k"] | None = None
    """In its place Z with Z Zᵀ = B: the terms are then computed in the primal, in time and memory linear in n."""


def terms(sights: Mapping[str, Sight], labels: Int[np.ndarray, " n"], *, seed: int = 0) -> dict[str, float]:
    """Name/STATISTICS -> value, larger is better; NaN where a term needs two images of a class.

    - `head_decrease`, `backbone_decrease`: share of the squared loss that either part of the kernel removes, each by
      its own clock: the Label-Gradient of two parts.
    - `decrease`: that of the whole kernel in its own time, `lin_ft.scores.predicted_decrease`.
    - `label_feature_cka`, `label_gradient_cka`: alignment with the labels of the features' and of the whole kernel.
    - `shots_loss`, `shots_accuracy` (balanced): of ridge regression with the whole kernel, one image of each class left
      out at a time, the ridge chosen by the loss (`_features`: with the head's part alone).

    Cost: a few decompositions, O(n³), for each of `sights`; O(n k²) where a sight has `rows`.

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
        phi = np.asarray(sights[kind].features, np.float64)
        of_part = _of_kernels if sights[kind].rows is None else _of_features
        head, whole, backbone = of_part(phi, sights[kind])
        found[f"decrease/{kind}"] = decrease(whole.spectrum, targets)
        found[f"head_decrease/{kind}"] = loss_removed(head.spectrum, targets, HEAD_TIME, unit=float(len(phi)))
        found[f"backbone_decrease/{kind}"] = loss_removed(backbone, targets, BACKBONE_TIME)
        found[f"label_feature_cka/{kind}"] = head.aligned(targets)
        found[f"label_gradient_cka/{kind}"] = whole.aligned(targets)
        for name, part in (("", whole), ("_features", head)):
            found[f"shots_loss{name}/{kind}"] = found[f"shots_accuracy{name}/{kind}"] = np.nan
            if folds is not None:
                ridges = [ridge * part.spectrum.scale for ridge in RIDGES]
                prediction = select(part.spectrum, targets, y, [np.inf], ridges, folds=folds)
                found[f"shots_loss{name}/{kind}"] = -prediction.loss
                found[f"shots_accuracy{name}/{kind}"] = balanced_accuracy(prediction.correct, y)
    return found


class _Part(NamedTuple):
    spectrum: Spectrum | PrimalSpectrum
    aligned: Callable[[np.ndarray], float]
    """Targets -> alignment of the centred kernel with them."""


def _of_kernels(phi: np.ndarray, sight: Sight) -> tuple[_Part, _Part, Spectrum]:
    """The head's part, the whole, and the spectrum of the backbone's."""
    if sight.backbone is None:
        raise InputError("sight: give the backbone's part of the kernel, or rows whose inner products it is.")
    head, backbone = phi @ phi.T + 1, np.asarray(sight.backbone, np.float64)

    def part(kernel: np.ndarray) -> _Part:
        return _Part(decompose(kernel), lambda targets: float(alignment(kernel, targets, form="cka")))

    return part(head), part(head + backbone), decompose(backbone)


def _of_features(phi: np.ndarray, sight: Sight) -> tuple[_Part, _Part, PrimalSpectrum]:
    """The same from features whose inner products are the kernels."""
    rows = np.asarray(sight.rows, np.float64)
    head = np.concatenate([phi, np.ones((len(phi), 1))], axis=1)

    def part(features: np.ndarray) -> _Part:
        return _Part(decompose_features(features), lambda targets: float(label_feature(features, targets, form="cka")))

    return part(head), part(np.concatenate([head, rows], axis=1)), decompose_features(rows)
