"""Exact and near duplicates across classes and splits, by the distance of a kernel.

Of a kernel K with its rows and columns centred, K', the distance of two images is that of their directions,

    d_ij = ||u_i - u_j|| = sqrt(2 - 2 K'_ij / sqrt(K'_ii K'_jj)),   in [0, 2].

What is near depends on the data: two leaves differ less than two photographs. So a pair is near where its distance is
below a share of the median distance of an image to its nearest other image.
"""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from lin_ft.data import ImageData
from lin_ft.data.copies import digest
from lin_ft.errors import InputError
from lin_ft.ranking import View
from lin_ft.typing import Array
from lin_ft.zoo.feature_cache import cached_features

NEAR = 0.4
"""Share of the median nearest-neighbour distance; what it finds: experiments.inspect.near_copies."""


@dataclasses.dataclass(frozen=True)
class Place:
    """An image of a part of a task: `part` "train", "validation" or "test", `index` within it."""

    part: str
    index: int
    class_name: str
    origin: str
    """Its path in the folder or place in the file; "" where that is not known."""

    def __str__(self) -> str:
        return f"{self.origin or f'{self.part} {self.index}'} ({self.class_name})"


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two images that are the same, or nearly."""

    first: Place
    second: Place
    distance: float
    exact: bool
    """The same pixels, at the size that the model sees."""

    @property
    def across_classes(self) -> bool:
        """Whether they have different labels."""
        return self.first.class_name != self.second.class_name

    @property
    def across_splits(self) -> bool:
        """Whether one of them trains and the other validates or tests, say."""
        return self.first.part != self.second.part

    @property
    def what(self) -> str:
        """In which way it does harm: "two classes", "two splits", both, or "one class"."""
        told = ["two classes"] * self.across_classes + ["two splits"] * self.across_splits
        return ", ".join(told) or "one class"


@dataclasses.dataclass(frozen=True)
class Duplicates:
    """Pairs, those across classes first, then those across splits, the nearest first."""

    pairs: tuple[Pair, ...]
    threshold: float
    """The distance below which a pair counts as near."""
    typical: float
    """Median distance of an image to its nearest other image."""
    n: int
    """Images that were compared."""


def kernel_distances(kernel: Array) -> Float[np.ndarray, "n n"]:
    """d_ij of the module's formula for a kernel (n, n); 0 on the diagonal.

    Images without a direction of their own, at the mean of all, are at sqrt(2) from every other one.

    Cost: O(n²).

    Raises:
        InputError: a kernel that is not square, not finite, or the same everywhere (all images alike).

    Examples:
        >>> import numpy as np
        >>> from lin_ft import inspect
        >>> features = np.array([[1.0, 0.0], [2.0, 0.0], [-3.0, 0.0]])
        >>> inspect.kernel_distances(features @ features.T).round(3)
        array([[0., 0., 2.],
               [0., 0., 2.],
               [2., 2., 0.]])
    """
    k = np.asarray(kernel, np.float64)
    if k.ndim != 2 or k.shape[0] != k.shape[1] or not k.size:
        raise InputError(f"kernel: shape {k.shape}, but (n, n) is needed.")
    if not np.isfinite(k).all():
        raise InputError("kernel: holds NaN or infinite values; check the weights and the inputs.")
    mean = k.mean(0)
    centred = k - mean[:, None] - mean[None] + mean.mean()
    squares = np.maximum(np.diag(centred), 0.0)
    if len(k) > 1 and squares.max() <= 64 * len(k) * np.finfo(np.float32).eps ** 2 * np.abs(k).max():
        raise InputError(f"All {len(k)} images are alike to this model: none is nearer to another than to the rest.")
    known = squares > np.finfo(np.float32).eps * squares.max()
    lengths = np.sqrt(np.where(known, squares, 1.0))
    cosine = np.where(known[:, None] & known[None], centred / lengths[:, None] / lengths[None], 0.0)
    distance = np.sqrt(2 - 2 * np.clip(cosine, -1, 1))
    np.fill_diagonal(distance, 0.0)
    return distance


def near_pairs(distances: Float[np.ndarray, "n n"], near: float = NEAR) -> tuple[list[tuple[int, int]], float, float]:
    """(i < j) nearer than `near` x the median nearest-neighbour distance; that distance times near; and the median.

    The median is over images whose nearest other one is not at distance 0: exact copies do not make it smaller.

    Examples:
        >>> import numpy as np
        >>> from lin_ft import inspect
        >>> places = np.array([0.0, 0.1, 1.0, 2.0])
        >>> pairs, threshold, typical = inspect.near_pairs(np.abs(places[:, None] - places), 0.5)
        >>> pairs, round(typical, 2)
        ([(0, 1)], 0.5)
    """
    if not 0 <= near < 1:
        raise InputError(f"near {near}: give a share of the usual nearest distance, from 0 to below 1.")
    others = distances + np.where(np.eye(len(distances), dtype=bool), np.inf, 0.0)
    nearest = others.min(1)
    apart = nearest[np.isfinite(nearest) & (nearest > 1e-6)]
    typical = float(np.median(apart)) if len(apart) else 0.0
    i, j = np.nonzero(np.triu(others < near * typical, 1))
    return list(zip(i.tolist(), j.tolist(), strict=True)), near * typical, typical


def duplicates(view: View, others: Mapping[str, ImageData] | None = None, *, near: float = NEAR) -> Duplicates:
    """Of the training images of a view and of the images of `others`, by name of their split.

    `others` by default: the validation and test images of the view's task. The kernel is that of the view's features:
    its tangent kernel under a zero head. Copies that a folder or file holds were left out when it was read: see
    `Task.accounting`. Cost: one forward pass over the others, O(n²) for all n.

    Raises:
        InputError: all images alike; fewer than two; `near` outside 0 .. 1.

    Examples:
        >>> import lin_ft
        >>> from lin_ft import inspect
        >>> from lin_ft.ranking import View
        >>> task = lin_ft.load_task("optdigits", shots=4, seed=0)
        >>> view = View(lin_ft.embedded_zoo()[0], task, lin_ft.RankConfig(head="zero"))
        >>> inspect.duplicates(view, {}).n
        40
    """
    task = view.task
    if others is None:
        others = {"validation": task.validation, "test": task.test}
    parts = {"train": task.train} | {name: part for name, part in others.items() if len(part)}
    features = [view.features, *(cached_features(view.network, part.images) for part in list(parts.values())[1:])]
    phi = np.concatenate([np.asarray(each, np.float64) for each in features])
    if len(phi) < 2:
        raise InputError(f"{task.name}: one image; duplicates need two.")
    phi -= phi.mean(0)
    distances = kernel_distances(phi @ phi.T)
    pairs, threshold, typical = near_pairs(distances, near)
    digests = [digest(image) for part in parts.values() for image in part.images]
    exact = _same(digests)
    places = _places(parts)
    found = [
        Pair(places[i], places[j], float(distances[i, j]), digests[i] == digests[j])
        for i, j in sorted({*pairs, *exact})
    ]
    found.sort(key=lambda pair: (not pair.across_classes, not pair.across_splits, not pair.exact, pair.distance))
    return Duplicates(tuple(found), threshold, typical, len(phi))


def _same(digests: Sequence[bytes]) -> list[tuple[int, int]]:
    """Pairs (first of its kind, later one) of equal digests."""
    first: dict[bytes, int] = {}
    return [(kept, place) for place, each in enumerate(digests) if (kept := first.setdefault(each, place)) != place]


def _places(parts: Mapping[str, ImageData]) -> list[Place]:
    return [
        Place(name, index, part.class_names[label], "" if part.origins is None else str(part.origins[index]))
        for name, part in parts.items()
        for index, label in enumerate(part.labels.tolist())
    ]
