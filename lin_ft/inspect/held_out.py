"""What plain classifiers on features say of each image that they have not learnt from."""

import numpy as np
from jaxtyping import Float

from lin_ft.predict import stratified_folds
from lin_ft.scores.inputs import labelled
from lin_ft.scores.logistic_probe import fit_logistic, standard_size
from lin_ft.typing import Array, Features

NEIGHBOURS = 5
FOLDS = 5


def neighbour_votes(
    features: Features, labels: Array, n_classes: int, *, k: int = NEIGHBOURS
) -> Float[np.ndarray, "n C"]:
    """Share of each class among the k nearest other images by cosine of the centred features; of n - 1 where k is more.

    Votes count 1 + cosine / 1000, so that nearer ones break ties. Cost: O(n² d).

    Raises:
        InputError: bad features or labels.
    """
    phi, y = _checked(features, labels)
    phi = phi - phi.mean(0)
    phi = phi / np.maximum(np.linalg.norm(phi, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    nearness = phi @ phi.T
    np.fill_diagonal(nearness, -np.inf)
    k = min(k, len(y) - 1)
    nearest = np.argsort(-nearness, axis=1, kind="stable")[:, :k]
    votes = np.zeros((len(y), n_classes))
    rows = np.arange(len(y))
    for place in nearest.T:
        votes[rows, y[place]] += (1 + nearness[rows, place] / 1000) / k
    return votes


def logistic_votes(
    features: Features, labels: Array, n_classes: int, *, folds: int = FOLDS, ridge: float = 1e-3, seed: int = 0
) -> Float[np.ndarray, "n C"]:
    """Probabilities of multinomial logistic regression on the features, each image out of its fold.

    As confident learning takes them (Northcutt, Jiang and Chuang 2021, JAIR 70). Stratified folds, as many as there are
    images at most. It trains: `folds` x 50 L-BFGS iterations of O(n d C).

    Raises:
        InputError: bad features or labels.
    """
    phi, y = _checked(features, labels)
    x = standard_size(phi)
    fold = stratified_folds(y, min(folds, len(y)), seed=seed)
    votes = np.empty((len(y), n_classes))
    for number in np.unique(fold):
        rest, held = fold != number, fold == number
        weights, bias, _ = fit_logistic(x[rest], y[rest], ridge, 50, n_classes)
        logits = x[held] @ weights + bias
        powers = np.exp(logits - logits.max(1, keepdims=True))
        votes[held] = powers / powers.sum(1, keepdims=True)
    return votes


def _checked(features: Array, labels: Array) -> tuple[np.ndarray, np.ndarray]:
    """Features and labels as they are numbered, which may leave out a class."""
    phi, _ = labelled(features, labels)
    return phi, np.asarray(labels).astype(np.int64)
