"""Leave-one-out accuracy of k nearest neighbours: the plain baseline that beat 23 scores (arXiv 2503.18528)."""

import numpy as np
from jaxtyping import Float, Int

from lin_ft.errors import InputError
from lin_ft.scores.inputs import Classes, Matrix, labelled
from lin_ft.scores.score import Score
from lin_ft.typing import Array, Features

CHOICES = (1, 3, 5, 10, 20, 50)


def nearest_neighbours(features: Features, labels: Array, *, k: int = 3, metric: str = "cosine") -> float:
    """Share of the samples that a vote of their k nearest other samples classifies rightly.

    Neighbours by cosine similarity, or by Euclidean distance with `metric="euclidean"`. A tie of m classes in the vote
    goes to the class of the nearest neighbour among the tied. Range [0, 1], higher is better. Cost: O(n² d) FLOPs,
    O(n²) bytes. With k = 1 and Euclidean distances it is parc's, as a share. In a tie parc and transformer-ranker take
    the smallest label, which changes with the names of the classes; parc counts each of k different labels as 1/k
    right.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import nearest_neighbours
        >>> x = np.array([[0.0, 1.0], [0.0, 2.0], [4.0, 1.0], [4.0, 2.0]])
        >>> apart, mixed = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
        >>> [nearest_neighbours(x, labels, k=1, metric="euclidean") for labels in (apart, mixed)]
        [1.0, 0.0]

    Raises:
        InputError: an unknown metric, k outside 1 .. n - 1, bad features or labels.
    """
    phi, y = labelled(features, labels)
    if not 1 <= k < len(y):
        raise InputError(f"k = {k}: choose a number of neighbours from 1 to n - 1 = {len(y) - 1}.")
    if metric == "cosine":
        nearness = _cosines(phi)
    elif metric == "euclidean":
        nearness = 2 * (phi @ phi.T)
        nearness -= (phi**2).sum(1)  # minus the squared distance, but for the own square
    else:
        raise InputError(f"Unknown metric {metric!r}; known are cosine, euclidean.")
    return _voted(y[_nearest(nearness, k)], y)


def nearest_neighbours_chosen(features: Features, labels: Array, *, choices: tuple[int, ...] = CHOICES) -> float:
    """The best leave-one-out accuracy over k in `choices` (below n), by cosine similarity: one sort serves all k.

    The evaluation of self-supervised features that beat 23 scores in 42,000 experiments (arXiv 2503.18528) is a k-NN
    on a training split against a test split; leave-one-out stands in for its split, since scores see no test image.
    Range [0, 1], higher is better; the best of several k is biased upward by a little. Cost: O(n² d).

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import nearest_neighbours_chosen
        >>> rng, labels = np.random.default_rng(0), np.arange(40) % 2
        >>> noise = rng.normal(size=(40, 4))
        >>> nearest_neighbours_chosen(noise + 3 * labels[:, None], labels) > nearest_neighbours_chosen(noise, labels)
        True

    Raises:
        InputError: bad features or labels.
    """
    phi, y = labelled(features, labels)
    used = sorted({min(k, len(y) - 1) for k in choices})
    nearest = y[_nearest(_cosines(phi), used[-1])]
    return max(_voted(nearest[:, :k], y) for k in used)


def _cosines(phi: Matrix) -> Float[np.ndarray, "n n"]:
    phi = phi / np.maximum(np.linalg.norm(phi, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    return phi @ phi.T


def _nearest(nearness: Float[np.ndarray, "n n"], k: int) -> Int[np.ndarray, "n k"]:
    """Positions of the k nearest others of each sample, the nearest first; of equals, the first. Takes the diagonal."""
    np.fill_diagonal(nearness, -np.inf)
    n, rows = len(nearness), np.arange(len(nearness))
    if k <= 4:  # one pass each is less than a partition
        found = np.empty((n, k), np.int64)
        for place in range(k):
            found[:, place] = nearness.argmax(1)
            nearness[rows, found[:, place]] = -np.inf
        return found
    found = np.sort(np.argpartition(nearness, n - k, axis=1)[:, n - k :], axis=1)
    values = np.take_along_axis(nearness, found, axis=1)
    tied = np.flatnonzero(np.sum(nearness >= values.min(1, keepdims=True), axis=1) > k)  # at the cut: take the first
    found = np.take_along_axis(found, np.argsort(-values, axis=1, kind="stable"), axis=1)
    found[tied] = np.argsort(-nearness[tied], axis=1, kind="stable")[:, :k]
    return found


def _voted(nearest: Int[np.ndarray, "n k"], y: Classes) -> float:
    """Share of the samples that the labels of their neighbours, the nearest first, classify rightly."""
    votes = (nearest[:, :, None] == nearest[:, None, :]).sum(2)
    # argmax finds the first neighbour with the most votes, and the nearest stand first.
    winner = nearest[np.arange(len(y)), votes.argmax(1)]
    return float((winner == y).mean())


SCORES = {
    "nearest_neighbours": Score(
        nearest_neighbours,
        "leave-one-out accuracy of 3 nearest neighbours, cosine",
        "Cover and Hart 1967",
        "[0, 1]",
        "O(n^2 d)",
    ),
    "nearest_neighbours_chosen": Score(
        nearest_neighbours_chosen,
        "the best leave-one-out accuracy over k = 1 .. 50, cosine",
        "Matsoukas et al. 2025 (arXiv 2503.18528)",
        "[0, 1]",
        "O(n^2 d)",
    ),
}
