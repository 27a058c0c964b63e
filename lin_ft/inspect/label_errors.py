"""Suspicious labels: training images whose label the prediction from all other images contradicts.

With p_i the prediction for image i of a model that was trained without it, (C,), the suspicion of its label y_i is

    s_i = max_{c != y_i} p_ic - p_ic|_{c = y_i}:

above 0 where another class is more likely, the class that the image looks like. Predictions of several models are
averaged with their weights, the probabilities of being the best. `METHODS` says how a model predicts what it has not
seen; on the development half of the tasks the tangent kernel found most flipped labels (experiments.inspect.flips).
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from lin_ft.errors import InputError
from lin_ft.inspect.held_out import logistic_votes, neighbour_votes
from lin_ft.predict import Prediction
from lin_ft.ranking import View
from lin_ft.typing import Array

RIDGES = tuple(10.0 ** (power / 2) for power in range(-6, 5))
"""In units of the mean eigenvalue; of them the one with the least leave-one-out loss."""
LEVEL = 0.05
PERMUTATIONS = 199


def ridge_view(view: View) -> View:
    """The same view with leave-one-out of kernel ridge regression: infinite time, ridges RIDGES."""
    return view.under(times=(np.inf,), ridges=RIDGES, left_out="image")


def tangent_votes(view: View) -> Float[np.ndarray, "n C"]:
    """Leave-one-out prediction of kernel ridge regression with the view's tangent kernel, the ridge of least loss."""
    return ridge_view(view).prediction.logits + 1 / view.task.n_classes


METHODS: dict[str, Callable[[View], Float[np.ndarray, "n C"]]] = {
    "tangent": tangent_votes,
    "neighbours": lambda view: neighbour_votes(view.features, view.labels, view.task.n_classes),
    "logistic": lambda view: logistic_votes(view.features, view.labels, view.task.n_classes, seed=view.config.seed),
}
"""What a model says of each image that it has not learnt from: (n, C), about 1 for the class it is sure of."""


@dataclasses.dataclass(frozen=True, eq=False)
class LabelErrors:
    """Of n training images."""

    suspicion: Float[np.ndarray, " n"]
    """s_i of the module's formula; NaN for images that are not judged."""
    looks_like: Int[np.ndarray, " n"]
    """The most likely other class."""
    votes: Float[np.ndarray, "n C"]
    """Predictions from the other images, averaged over the models."""
    agreement: Float[np.ndarray, " n"]
    """Weight of the models that hold another class for more likely than the label."""
    judged: Bool[np.ndarray, " n"]
    """False for the only image of a class: without it the class is unknown."""
    notes: tuple[str, ...] = ()

    @property
    def order(self) -> Int[np.ndarray, " m"]:
        """Places of the judged images, the most suspicious first."""
        places = np.flatnonzero(self.judged)
        return places[np.argsort(-self.suspicion[places], kind="stable")]

    @property
    def contradicted(self) -> int:
        """Images that look more like another class than like their own."""
        return int(np.sum(self.suspicion[self.judged] > 0))


def suspicious(votes: Sequence[Array], labels: Array, weights: Sequence[float] | Array | None = None) -> LabelErrors:
    """From what models say of each image without having learnt from it, (n, C) each, and the labels.

    `weights` of the models, any positive scale; equal by default.

    Raises:
        InputError: no votes, other shapes or values that are not finite, labels outside 0 .. C - 1, negative weights,
            no class with two images.

    Examples:
        >>> import numpy as np
        >>> from lin_ft import inspect
        >>> votes = np.array([[0.9, 0.1], [0.2, 0.8], [0.1, 0.9], [0.2, 0.7]])
        >>> found = inspect.suspicious([votes], np.array([0, 0, 1, 1]))
        >>> found.order.tolist(), found.suspicion.round(1).tolist()
        ([1, 3, 0, 2], [-0.8, 0.6, -0.8, -0.5])
    """
    if not len(votes):
        raise InputError("votes: none; give those of at least one model.")
    each = np.stack([np.asarray(vote, np.float64) for vote in votes])
    y = np.asarray(labels)
    n, n_classes = each.shape[1:]
    if not np.isfinite(each).all():
        raise InputError("votes: hold NaN or infinite values; check the weights and the inputs.")
    if y.shape != (n,) or not np.issubdtype(y.dtype, np.integer) or not ((y >= 0) & (y < n_classes)).all():
        raise InputError(f"labels: give {n} numbers in 0 .. {n_classes - 1}, one an image.")
    share = _shares(weights, len(each))
    counts = np.bincount(y, minlength=n_classes)
    judged = counts[y] > 1
    if not judged.any():
        raise InputError("labels: one image a class; a label is judged by the other images of its class: add some.")
    mean = np.tensordot(share, each, 1)
    suspicion, like = _suspicion(mean, y)
    against = np.tensordot(share, np.stack([_suspicion(one, y)[0] > 0 for one in each]).astype(float), 1)
    lone = int((~judged).sum())
    notes = (f"{lone} images are not judged, each the only one of its class.",) if lone else ()
    return LabelErrors(np.where(judged, suspicion, np.nan), like, mean, against, judged, notes)


def label_errors(
    views: View | Sequence[View],
    weights: Sequence[float] | Array | None = None,
    *,
    method: str = "tangent",
    level: float = LEVEL,
) -> LabelErrors:
    """Of the training images of one view, or of several models on one task, weighted by `weights` (P(best), say).

        errors = inspect.label_errors(view)
        errors.order[:10], errors.looks_like

    Labels that say no more than random ones would are refused: nothing can be found there. That is so where, of 199
    random permutations of the labels, more than `level` are predicted as well from the other images (leave-one-out loss
    of the tangent kernel, mean over the models); `level` 1 asks nothing. Cost: that of each view's kernel and
    decomposition, which rankings share, then O(n² C).

    Raises:
        InputError: views of different tasks, an unknown method, one image a class, images that are all alike, labels
            that say nothing.

    Examples:
        >>> import lin_ft
        >>> from lin_ft import inspect
        >>> from lin_ft.ranking import View
        >>> task = lin_ft.load_task("optdigits", shots=4, seed=0)
        >>> view = View(lin_ft.embedded_zoo()[0], task, lin_ft.RankConfig(head="zero"))
        >>> inspect.label_errors(view).suspicion.shape
        (40,)
    """
    views = [views] if isinstance(views, View) else list(views)
    if method not in METHODS:
        raise InputError(f"method {method!r}: unknown; one of {', '.join(METHODS)}.")
    if not views:
        raise InputError("views: none; give at least one model on the task.")
    first = views[0]
    if any(not np.array_equal(view.labels, first.labels) for view in views):
        raise InputError("views: their tasks have different labels; give models on one task.")
    share = _shares(weights, len(views))
    if np.bincount(first.labels).max() < 2:
        raise InputError(
            f"{first.task.name}: one image a class; a label is judged by the other images of its class: add some."
        )
    for view in views:
        check_not_alike(view)
    probability = chance_of_labels(views, share)
    if probability > level:
        raise InputError(
            f"{first.task.name}: its labels say no more of these {first.task.n} images than random ones would (as good"
            f" with probability {probability:.2f}): check that labels and images belong together, or give more images."
        )
    return suspicious([METHODS[method](view) for view in views], first.labels, share)


def check_not_alike(view: View) -> None:
    """Raises InputError where the model sees no difference between the training images."""
    kernel = np.asarray(view.kernel, np.float64)
    centred = kernel - kernel.mean(0, keepdims=True)
    if np.abs(centred).max() <= 64 * np.finfo(np.float32).eps * np.abs(kernel).max():
        raise InputError(
            f"{view.task.name}: all {view.task.n} images are alike to model {view.model.name}: nothing can be said of"
            " single ones; check how they were exported."
        )


def chance_of_labels(views: Sequence[View], weights: Float[np.ndarray, " M"]) -> float:
    """Probability that randomly permuted labels are predicted as well as these are: a permutation test.

    The statistic is the leave-one-out loss of kernel ridge regression, sum_i ||[A⁻¹ Y]_i / [A⁻¹]_ii||² with A = K +
    ridge I, its weighted mean over the models, each at the ridge chosen for the labels as they are. (These count as one
    of the permutations: Phipson and Smyth 2010.) Cost: O(n² C) for each of 199 permutations and each model.
    """
    targets = views[0].targets
    maps = [_left_out_map(ridge_view(view)) for view in views]
    rng = np.random.default_rng(views[0].config.seed)

    def loss(y: Float[np.ndarray, "n C"]) -> float:
        return float(sum(w * np.sum((left_out @ y) ** 2) for w, left_out in zip(weights, maps, strict=True)))

    own = loss(targets)
    as_good = sum(loss(targets[rng.permutation(len(targets))]) <= own * (1 + 1e-9) for _ in range(PERMUTATIONS))
    return (1 + as_good) / (1 + PERMUTATIONS)


def _left_out_map(view: View) -> Float[np.ndarray, "n n"]:
    """L with L Y the leave-one-out residuals."""
    prediction: Prediction = view.prediction
    vectors, values = view.spectrum.eigenvectors, view.spectrum.eigenvalues
    inverse = (vectors / (values + prediction.ridge)) @ vectors.T
    return inverse / np.diag(inverse)[:, None]


def _suspicion(votes: Float[np.ndarray, "n C"], y: Int[np.ndarray, " n"]) -> tuple[np.ndarray, np.ndarray]:
    rows = np.arange(len(y))
    others = votes.copy()
    others[rows, y] = -np.inf
    like = others.argmax(1)
    return others[rows, like] - votes[rows, y], like


def _shares(weights: Sequence[float] | Array | None, count: int) -> Float[np.ndarray, " M"]:
    share = np.ones(count) if weights is None else np.asarray(weights, np.float64)
    if share.shape != (count,) or not np.isfinite(share).all() or share.min() < 0 or not share.sum() > 0:
        raise InputError(f"weights: give {count} numbers, one a model, none negative and not all 0.")
    return share / share.sum()
