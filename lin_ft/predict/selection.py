"""From leave-one-out residuals to one predicted accuracy: losses and accuracies of a grid, and its best point."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from lin_ft.predict.leave_one_out import leave_one_out
from lin_ft.predict.spectrum import Spectrum
from lin_ft.typing import Array, Labels


@dataclasses.dataclass(frozen=True, eq=False)
class Prediction:
    """Leave-one-out prediction at the chosen (time, ridge). `correct` is 1, 0, or 1/m for a tie of m classes."""

    time: float
    ridge: float
    accuracy: float
    loss: float
    correct: Float[np.ndarray, " n"]
    logits: Float[np.ndarray, "n C"]
    losses: Float[np.ndarray, "T R"]
    accuracies: Float[np.ndarray, "T R"]


def loo_loss(residuals: Float[Array, "*grid n C"]) -> Float[np.ndarray, "*grid"]:
    """(1 / 2n) sum over samples and classes of the squared residuals."""
    residuals = np.asarray(residuals, np.float64)
    return 0.5 * np.mean(np.sum(residuals**2, axis=-1), axis=-1)


def loo_correct(logits: Float[Array, "*grid n C"], labels: Labels) -> Float[np.ndarray, "*grid n"]:
    """1 where the label has the largest logit; 1/m where m classes share it; 0 elsewhere.

    Logits within rounding of each other are tied: a constant prediction scores 1/C, not by the order of the classes.
    """
    logits = np.asarray(logits, np.float64)
    top = logits.max(-1, keepdims=True)
    spread = np.abs(logits).max(-1, keepdims=True)
    tied = logits >= top - 16 * np.finfo(np.float64).eps * spread
    at_label = np.take_along_axis(tied, np.broadcast_to(np.asarray(labels)[:, None], (*logits.shape[:-1], 1)), -1)
    return (at_label / tied.sum(-1, keepdims=True))[..., 0]


def select(
    spectrum: Spectrum,
    targets: Float[Array, "n C"],
    labels: Labels,
    times: Sequence[float] | Array,
    ridges: Sequence[float] | Array,
    *,
    logits0: Float[Array, "n C"] | None = None,
) -> Prediction:
    """The (time, ridge) of the grid with the least leave-one-out loss, and its predictions.

    The loss is the minimum over a grid and so a little optimistic; the accuracy is read off where the loss is least,
    not where it is itself largest, which keeps that optimism small. Ties go to the earliest time, then the largest ridge.
    """
    y = np.asarray(targets, np.float64)
    ridges = np.sort(np.asarray(ridges, np.float64))[::-1]
    times = np.sort(np.asarray(times, np.float64))
    residuals = leave_one_out(spectrum, y if logits0 is None else y - np.asarray(logits0), times, ridges)
    logits = y - residuals
    correct, losses = loo_correct(logits, labels), loo_loss(residuals)
    accuracies = correct.mean(-1)
    i, j = np.unravel_index(int(np.argmin(losses)), losses.shape)
    return Prediction(
        time=float(times[i]),
        ridge=float(ridges[j]),
        accuracy=float(accuracies[i, j]),
        loss=float(losses[i, j]),
        correct=correct[i, j],
        logits=logits[i, j],
        losses=losses,
        accuracies=accuracies,
    )
