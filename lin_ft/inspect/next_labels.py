"""What to label next: images that reduce the posterior variance of the closed form most, or that tell models apart.

With the tangent kernel K the linearized network is a Gaussian process: after labelling images X its variance at x is
P_xx, P = K - K_.X (K_XX + ridge I)⁻¹ K_X., whatever the labels say. Labelling x as well lowers the variance at all
images j of the pool by sum_j P_jx² / (P_xx + ridge). Greedy choice takes the x with the largest sum, then updates

    P <- P - l lᵀ,   l = P_x / sqrt(P_xx + ridge),

one column l of the Cholesky factor of the chosen images' kernel (the "A-optimal" or integrated-variance design; Cohn,
Ghahramani and Jordan 1996, JAIR 4).
"""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from lin_ft.errors import InputError
from lin_ft.inspect.label_errors import ridge_view
from lin_ft.predict import Spectrum, posterior_covariance, predict_logits
from lin_ft.ranking import View
from lin_ft.typing import Array, Pixels

WAYS = ("variance", "disagreement")


@dataclasses.dataclass(frozen=True, eq=False)
class NextLabels:
    """The images to label, the first first."""

    places: Int[np.ndarray, " k"]
    """Among the images that were offered."""
    value: Float[np.ndarray, " k"]
    """What each was chosen by: the share of the pool's variance that it removes, or its disagreement."""
    looks_like: Int[np.ndarray, " k"]
    """The class that the models, weighted, find likeliest."""


def reduce_variance(
    covariance: Array, ridge: float, count: int, importance: Array | None = None
) -> tuple[Int[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """Greedy choice of `count` of m images: their places, and by how much each lowers the sum of the variances.

    `covariance` (m, m) is the posterior's; `importance` (m,), by default 1 each, multiplies what an image is chosen by.
    Cost: 4 m² FLOPs a choice.

    Raises:
        InputError: a covariance that is not square or finite, a ridge that is not above 0, fewer images than asked for.

    Examples:
        >>> import numpy as np
        >>> from lin_ft import inspect
        >>> places, lowered = inspect.reduce_variance(np.diag([1.0, 3.0, 2.0]), 1.0, 2)
        >>> places.tolist(), lowered.round(2).tolist()
        ([1, 2], [2.25, 1.33])
    """
    p = np.array(covariance, np.float64)
    if p.ndim != 2 or p.shape[0] != p.shape[1] or not np.isfinite(p).all():
        raise InputError(f"covariance: shape {p.shape}; give finite numbers, (m, m).")
    if not ridge > 0:
        raise InputError(f"ridge {ridge}: give one above 0.")
    if not 1 <= count <= len(p):
        raise InputError(f"{count} images asked for of {len(p)}: ask for 1 to {len(p)}.")
    factor = np.ones(len(p)) if importance is None else np.asarray(importance, np.float64)
    free, places, lowered = np.ones(len(p), bool), [], []
    for _ in range(count):
        gains = (p**2).sum(0) / (np.maximum(np.diag(p), 0) + ridge)
        best = int(np.argmax(np.where(free, gains * factor, -np.inf)))
        column = p[:, best] / np.sqrt(max(p[best, best], 0.0) + ridge)
        p -= np.outer(column, column)
        free[best] = False
        places.append(best)
        lowered.append(float(gains[best]))
    return np.array(places), np.array(lowered)


def pool_covariance(
    spectrum: Spectrum, cross_kernel: Array, pool_kernel: Array, ridge: float
) -> Float[np.ndarray, "m m"]:
    """P of the module's formula: of m images of a pool once the training images are labelled.

    Examples:
        >>> import numpy as np
        >>> from lin_ft import inspect
        >>> from lin_ft.predict import decompose
        >>> inspect.pool_covariance(decompose(np.eye(2)), np.eye(2)[:1], np.eye(1), 1.0)
        array([[0.5]])
    """
    return posterior_covariance(spectrum, np.asarray(cross_kernel), np.asarray(pool_kernel), (ridge,))[0]


def disagreement(
    votes: Sequence[Float[Array, "m C"]], weights: Sequence[float] | Array | None = None
) -> Float[np.ndarray, " m"]:
    """Weighted variance of the models' predictions about their mean, summed over classes; 0 where they say the same.

    (Query by committee: Seung, Opper and Sompolinsky 1992.)

    Raises:
        InputError: votes of fewer than two models.

    Examples:
        >>> import numpy as np
        >>> from lin_ft import inspect
        >>> inspect.disagreement([np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])]).tolist()
        [0.5]
    """
    if len(votes) < 2:
        raise InputError("votes: of one model; disagreement needs two.")
    each = np.stack([np.asarray(vote, np.float64) for vote in votes])
    share = np.ones(len(each)) if weights is None else np.asarray(weights, np.float64)
    share = share / share.sum()
    mean = np.tensordot(share, each, 1)
    return np.tensordot(share, np.sum((each - mean) ** 2, axis=2), 1)


def next_labels(
    views: View | Sequence[View],
    images: Pixels,
    count: int,
    *,
    weights: Sequence[float] | Array | None = None,
    by: str = "variance",
) -> NextLabels:
    """Which `count` of the unlabelled images to label next, given the labelled training images of the views.

    `by` "variance": those that lower the posterior variance over all `images` most, covariances of the models averaged
    with `weights` (P(best), say), each in units of its pool's mean variance. `by` "disagreement": those on which the
    models disagree, each as far as earlier choices leave its variance standing. Cost: the kernels of the images with
    themselves and with the training images, for each model; then 4 m² FLOPs a choice.

    Raises:
        InputError: fewer images than asked for, an unknown way, one model for a disagreement, all images alike.

    Args:
      views: of one model or of several on one task.
      images: without labels.
      count: how many to choose.
      weights: of the models.
      by: "variance" or "disagreement".

    Examples:
        >>> import lin_ft
        >>> from lin_ft import inspect
        >>> from lin_ft.ranking import View
        >>> task = lin_ft.load_task("optdigits", shots=4, seed=0)
        >>> view = View(lin_ft.embedded_zoo()[0], task, lin_ft.RankConfig(head="zero"))
        >>> len(inspect.next_labels(view, task.test.images[:9], 3).places)
        3
    """
    views = [views] if isinstance(views, View) else list(views)
    if by not in WAYS:
        raise InputError(f"by {by!r}: unknown; one of {', '.join(WAYS)}.")
    if not 1 <= count <= len(images):
        raise InputError(f"{count} images asked for of {len(images)} that are unlabelled: ask for 1 to {len(images)}.")
    if by == "disagreement" and len(views) < 2:
        raise InputError("by 'disagreement': one model; give at least two, or choose by variance.")
    share = np.ones(len(views)) if weights is None else np.asarray(weights, np.float64)
    share = share / share.sum()
    votes, covariances, ridges = [], [], []
    for view in views:
        sight = ridge_view(view)
        ridge, cross = sight.prediction.ridge, view.cross_kernel(images)
        covariance = pool_covariance(sight.spectrum, cross, view.kernel_of(images), ridge)
        scale = float(np.mean(np.diag(covariance)))
        if not scale > 0:
            raise InputError(f"The {len(images)} unlabelled images are alike to model {view.model.name}.")
        covariances.append(covariance / scale)
        ridges.append(ridge / scale)
        logits = predict_logits(sight.spectrum, cross, sight.targets, (np.inf,), (ridge,))[0, 0]
        votes.append(logits + 1 / view.task.n_classes)
    covariance = np.tensordot(share, np.stack(covariances), 1)
    ridge = float(share @ np.array(ridges))
    mean = np.tensordot(share, np.stack(votes), 1)
    if by == "variance":
        places, lowered = reduce_variance(covariance, ridge, count)
        value = lowered / np.trace(covariance)
    else:
        told = disagreement(votes, share)
        places = spread_choice(covariance, ridge, told, count)
        value = told[places]
    return NextLabels(places, value, mean.argmax(1)[places])


def spread_choice(covariance: Array, ridge: float, value: Array, count: int) -> Int[np.ndarray, " k"]:
    """Greedy choice of `count` images by `value` (m,), each times the share of its variance that earlier choices leave.

    A second copy of an image adds nothing. `covariance` (m, m) is the posterior's before any choice.

    Examples:
        >>> import numpy as np
        >>> from lin_ft import inspect
        >>> copies = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        >>> inspect.spread_choice(copies, 0.1, np.array([3.0, 2.9, 1.0]), 2).tolist()
        [0, 2]
    """
    p, told = np.array(covariance, np.float64), np.asarray(value, np.float64)
    first = np.maximum(np.diag(p), np.finfo(float).tiny)
    free, places = np.ones(len(p), bool), []
    for _ in range(count):
        left = np.maximum(np.diag(p), 0) / first
        best = int(np.argmax(np.where(free, told * left, -np.inf)))
        column = p[:, best] / np.sqrt(max(p[best, best], 0.0) + ridge)
        p -= np.outer(column, column)
        free[best] = False
        places.append(best)
    return np.array(places)
