"""From leave-one-out residuals to one predicted accuracy: losses of a grid, and its best point."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from lin_ft.errors import InputError
from lin_ft.predict.gradient_flow import check_grid, initial_residual
from lin_ft.predict.leave_one_out import leave_one_out
from lin_ft.predict.leave_out import leave_folds_out
from lin_ft.predict.primal import PrimalSpectrum, primal_leave_one_out
from lin_ft.predict.spectrum import Spectrum
from lin_ft.typing import Array, Labels


@dataclasses.dataclass(frozen=True, eq=False)
class Prediction:
    """Leave-one-out prediction at the chosen (time, ridge).

    `correct` is 1, 0, or 1/m for a tie of m classes, or a mean of these over several ways to leave out.

    `losses` and `accuracies` are those of the whole grid, times ascending, ridges descending.
    """

    time: float
    ridge: float
    accuracy: float
    loss: float
    correct: Float[np.ndarray, " n"]
    logits: Float[np.ndarray, "n C"]
    losses: Float[np.ndarray, "T R"]
    accuracies: Float[np.ndarray, "T R"]


def loo_loss(residuals: Float[Array, "*grid n C"]) -> Float[np.ndarray, "*grid"]:
    """(1 / 2n) sum over samples and classes of the squared residuals.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import loo_loss
        >>> loo_loss(np.array([[1.0, 1.0], [0.0, 2.0]]))
        array(1.5)
    """
    residuals = np.asarray(residuals, np.float64)
    return np.asarray(0.5 * np.mean(np.sum(residuals**2, axis=-1), axis=-1))


def loo_correct(
    logits: Float[Array, "*grid n C"], labels: Labels, *, rounding: float = 0.0
) -> Float[np.ndarray, "*grid n"]:
    """1 where the label has the largest logit; 1/m where m classes share it; 0 elsewhere.

    Logits within `rounding` of the largest, or within 16 eps of its size, share it: a constant prediction
    scores 1/C and not by the order of the classes.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import loo_correct
        >>> logits = np.array([[2.0, 1.0], [0.5, 0.5], [1.0, 0.0]])
        >>> loo_correct(logits, np.array([0, 1, 1]))  # right, a tie of two, wrong
        array([1. , 0.5, 0. ])
    """
    logits, labels = np.asarray(logits, np.float64), np.asarray(labels)
    n, n_classes = logits.shape[-2:]
    if labels.shape != (n,) or not ((labels >= 0) & (labels < n_classes)).all():
        raise InputError(f"labels: give {n} numbers in 0 .. {n_classes - 1}, one a row of the logits.")
    spread = np.abs(logits).max(-1, keepdims=True)
    tied = logits >= logits.max(-1, keepdims=True) - np.maximum(rounding, 16 * np.finfo(np.float64).eps * spread)
    return tied[..., np.arange(n), labels] / tied.sum(-1)


def loo_accuracy(
    logits: Float[Array, "*grid n C"], labels: Labels, *, rounding: float = 0.0
) -> Float[np.ndarray, "*grid"]:
    """The mean of `loo_correct` over samples, a fraction in [0, 1].

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import loo_accuracy
        >>> loo_accuracy(np.array([[2.0, 1.0], [0.5, 0.5], [1.0, 0.0]]), np.array([0, 1, 1]))
        array(0.5)
    """
    return np.asarray(loo_correct(logits, labels, rounding=rounding).mean(-1))


def select(
    spectrum: Spectrum | PrimalSpectrum,
    targets: Float[Array, "n C"],
    labels: Labels,
    times: Sequence[float] | Array,
    ridges: Sequence[float] | Array,
    *,
    logits0: Float[Array, "n C"] | None = None,
    folds: Int[Array, " n"] | Int[Array, "M n"] | None = None,
) -> Prediction:
    """The (time, ridge) of the grid with the least leave-one-out loss, and its predictions.

    `times` are eta t in units of 1 / kernel, `ridges` in units of the kernel (see `Spectrum.scale`); targets
    are one-hot or any other coding whose largest entry is the label's. Ties go to the earliest time, then the
    largest ridge. The least of a grid's losses is a little optimistic. The accuracy is read off where the
    loss is least, not where it is itself largest, which keeps its optimism small; judge a margin of few
    samples by `bootstrap_interval`, and where it matters nest the selection in `k_fold`.

    With `folds` (`matchings`, `stratified_folds`), whole folds are left out together; of several ways to number them,
    losses, `correct` and logits are the means. Leaving out one image makes its class rarer than the others, so a model
    that has learned little guesses any class but that one: of two classes with 10 images each, leave-one-out
    accuracies below .3 are common. It also punishes regularisation, by which `time` and `ridge` are chosen (arXiv
    2406.01652). One image of each class a fold has no such bias.
    Cost: that of `leave_one_out`; with folds that of `leave_folds_out`; of a `PrimalSpectrum`, which gives the same,
    that of `primal_leave_one_out`, linear in n.

    Args:
        spectrum: of the training kernel, from `decompose` or, in the primal, `decompose_features`.
        targets: Y, (n, C).
        labels: classes of the samples.
        times: of the grid.
        ridges: of the grid.
        logits0: f0 on the samples; None: 0.
        folds: number of the fold of each sample, or a row of them for each way; None: leave one out.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import decompose, matchings, select
        >>> labels = np.repeat([0, 1], 5)
        >>> x = np.stack([labels - 0.5, np.cos(np.arange(10.0))], axis=1)
        >>> spectrum, grid = decompose(x @ x.T), np.array([0.1, 1.0, 10.0])
        >>> chosen = select(spectrum, np.eye(2)[labels] - 0.5, labels, grid, grid, folds=matchings(labels, 3))
        >>> chosen.accuracy, chosen.losses.shape
        (1.0, (3, 3))
    """
    y = np.asarray(targets, np.float64)
    residual0 = initial_residual(y, logits0, logits0)
    times, ridges = check_grid(times, ridges)
    times, ridges = np.sort(times), np.sort(ridges)[::-1]
    ways = None if folds is None else np.atleast_2d(np.asarray(folds))
    if isinstance(spectrum, PrimalSpectrum):
        grid = (spectrum, residual0, times, ridges)
        residuals = np.stack(
            [primal_leave_one_out(*grid, groups=groups) for groups in ([None] if ways is None else ways)]
        )
    elif ways is None:
        residuals = leave_one_out(spectrum, residual0, times, ridges)[None]
    else:
        residuals = leave_folds_out(spectrum, residual0, ways, times, ridges)
    logits = y - residuals
    # leaving out is exact to 1e-14 of its largest residual
    rounding = 1e-13 * max(float(np.abs(y).max()), float(np.abs(residual0).max()))
    correct = loo_correct(logits, labels, rounding=rounding).mean(0)
    losses = loo_loss(residuals).mean(0)
    i, j = np.unravel_index(int(np.argmin(losses)), losses.shape)
    accuracies = correct.mean(-1)
    return Prediction(
        time=float(times[i]),
        ridge=float(ridges[j]),
        accuracy=float(accuracies[i, j]),
        loss=float(losses[i, j]),
        correct=correct[i, j],
        logits=logits.mean(0)[i, j],
        losses=losses,
        accuracies=accuracies,
    )
