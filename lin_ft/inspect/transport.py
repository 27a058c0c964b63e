"""What your classes look like to a model: the source classes that they are moved to, and their nearest source images.

The optimal transport of the target's class means to the source's, in features, weights the shares of the images and
ground distance Euclidean, is the plan of the domain similarity (`lin_ft.scores.domain_similarity`; Cui et al., CVPR
2018). It spreads the whole target over the whole source; the nearest source images of a class, by cosine with its mean,
both centred, say where it lies by itself. Together they are a reader's check on why a model ranks first.
"""

import dataclasses

import numpy as np
from jaxtyping import Float, Int

from lin_ft.data import ImageData
from lin_ft.errors import InputError
from lin_ft.ranking import View
from lin_ft.scores.domain_similarity import transport_plan
from lin_ft.scores.inputs import matrix
from lin_ft.typing import Array
from lin_ft.zoo.feature_cache import cached_features


@dataclasses.dataclass(frozen=True, eq=False)
class Transport:
    """Of C target and Z source classes."""

    plan: Float[np.ndarray, "C Z"]
    """Share of each target class that is moved to each source class; rows add up to 1."""
    distances: Float[np.ndarray, "C Z"]
    """Between class means, in units of the mean distance of source classes from one another."""
    nearest: Int[np.ndarray, "C k"]
    """Places of the source images nearest to each target class, the nearest first."""
    cosine: Float[np.ndarray, "C k"]
    """Of each of them with the mean of the class."""

    def looks_like(self, target_class: int, most: int = 3) -> list[tuple[int, float]]:
        """(source class, share) that the class is moved to, the largest share first, of shares above 1 %."""
        order = np.argsort(-self.plan[target_class], kind="stable")[:most]
        return [(int(z), float(self.plan[target_class, z])) for z in order if self.plan[target_class, z] > 0.01]


def transport(
    features: Array, labels: Array, source_features: Array, source_labels: Array, *, neighbours: int = 8
) -> Transport:
    """From features (n, d) and (m, d) of the same network, and labels 0 .. C - 1 and 0 .. Z - 1.

    Cost: a linear programme in C Z variables, O(C m d).

    Raises:
        InputError: features that do not go together or are not finite, labels that leave out a class.

    Args:
      features: (n, d), of the target.
      labels: (n,), 0 .. C - 1.
      source_features: (m, d).
      source_labels: (m,), 0 .. Z - 1.
      neighbours: how many source images are named for each class.

    Examples:
        >>> import numpy as np
        >>> from lin_ft import inspect
        >>> features, labels = np.array([[0.0], [1.0]]), np.array([0, 1])
        >>> inspect.transport(features, labels, features + 0.1, labels).plan
        array([[1., 0.],
               [0., 1.]])
    """
    phi, psi = matrix(features), matrix(source_features, "source features")
    if phi.shape[1] != psi.shape[1]:
        raise InputError(f"features of {phi.shape[1]} and {psi.shape[1]} numbers: take both from one network.")
    if neighbours < 1:
        raise InputError(f"neighbours {neighbours}: give at least 1.")
    (means, weights), (source_means, source_weights) = (
        _means(phi, labels, "labels"),
        _means(psi, source_labels, "source labels"),
    )
    distances = np.linalg.norm(means[:, None] - source_means[None], axis=2)
    plan = transport_plan(weights, source_weights, distances)
    apart = np.linalg.norm(source_means[:, None] - source_means[None], axis=2)
    count = len(source_means)
    unit = apart.sum() / (count * (count - 1)) if count > 1 and apart.max() > 0 else 1.0
    # Centred by the source: where the target lies as a whole is part of what it looks like.
    cosine = _directions(means - psi.mean(0)) @ _directions(psi - psi.mean(0)).T
    nearest = np.argsort(-cosine, axis=1, kind="stable")[:, :neighbours]
    return Transport(
        plan / plan.sum(1, keepdims=True), distances / unit, nearest, np.take_along_axis(cosine, nearest, axis=1)
    )


def looks_like(view: View, source: ImageData, *, neighbours: int = 8) -> Transport:
    """`transport` from the training images of a view to images of its model's source, of the same size.

    Cost: one forward pass over the source images.

    Raises:
        InputError: images of another size; as `transport`.

    Examples:
        >>> import lin_ft
        >>> from lin_ft import inspect
        >>> from lin_ft.ranking import View
        >>> task = lin_ft.load_task("optdigits", shots=4, seed=0)
        >>> view = View(lin_ft.embedded_zoo()[0], task, lin_ft.RankConfig(head="zero"))
        >>> inspect.looks_like(view, task.test).plan.shape
        (10, 10)
    """
    size = view.task.train.images.shape[1:3]
    if source.images.shape[1:3] != size:
        raise InputError(f"source images: {source.images.shape[1:3]} pixels, but those of the task have {size}.")
    features = cached_features(view.network, source.images)
    return transport(view.features, view.labels, features, source.labels, neighbours=neighbours)


def _means(phi: np.ndarray, labels: Array, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Mean of each class and its share of the samples."""
    y = np.asarray(labels)
    if y.shape != (len(phi),) or not np.issubdtype(y.dtype, np.integer) or y.min() < 0:
        raise InputError(f"{name}: give {len(phi)} numbers from 0, one an image.")
    counts = np.bincount(y)
    if not counts.all():
        raise InputError(f"{name}: no image of class {int(np.flatnonzero(counts == 0)[0])}; number the classes anew.")
    sums = np.zeros((len(counts), phi.shape[1]))
    np.add.at(sums, y, phi)
    return sums / counts[:, None], counts / counts.sum()


def _directions(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float64).tiny)
