"""How spread the features are, and how far the classes lie apart."""

import numpy as np
from jaxtyping import Float

from lin_ft.scores.inputs import class_means, labelled, matrix, one_hot, within
from lin_ft.typing import Array


def feature_variance(features: Float[Array, "n d"]) -> float:
    """tr cov(f) / E||f||²: the share of the features' energy that varies between samples; no labels.

    Range [0, 1], higher is better (collapsed features say nothing); unchanged by rotation and scale. Cost: O(n d).

    Raises:
        InputError: features that are not finite.
    """
    phi = matrix(features)
    energy = float(np.sum(phi**2))
    return float(np.sum((phi - phi.mean(0)) ** 2)) / energy if energy > 0 else 0.0


def fisher_ratio(features: Float[Array, "n d"], labels: Array) -> float:
    """tr S_B / tr S_T, S_B + S_W = S_T: the share of the variance that lies between the classes.

    Fisher 1936; tr S_B / tr S_W is its odds, which ranks alike and is infinite for collapsed classes. Range [0, 1],
    higher is better; unchanged by rotation and scale. Cost: O(n d).

    Raises:
        InputError: bad features or labels.
    """
    phi, y = labelled(features, labels)
    total = float(np.sum((phi - phi.mean(0)) ** 2))
    return 1 - float(np.sum(within(phi, y) ** 2)) / total if total > 0 else 0.0


def silhouette(features: Float[Array, "n d"], labels: Array) -> float:
    """Mean of (b - a) / max(a, b): a the mean distance to the own class, b that to the nearest other class.

    Rousseeuw 1987; 0 for the only sample of a class. Range [-1, 1], higher is better; unchanged by rotation and
    scale. Cost: O(n² d). scikit-learn: `silhouette_score`.

    Raises:
        InputError: bad features or labels.
    """
    phi, y = labelled(features, labels)
    x = phi - phi.mean(0)
    squares = np.sum(x**2, axis=1)
    squared = np.maximum(squares[:, None] + squares - 2 * x @ x.T, 0)
    np.fill_diagonal(squared, 0)
    squared[squared <= 16 * np.finfo(np.float64).eps * (squares[:, None] + squares)] = 0  # equal up to rounding
    sums, counts = np.sqrt(squared) @ one_hot(y), np.bincount(y)
    rows = np.arange(len(y))
    own = sums[rows, y] / np.maximum(counts[y] - 1, 1)
    mean = sums / counts
    mean[rows, y] = np.inf
    other = mean.min(1)
    larger = np.maximum(own, other)
    value = np.where((larger > 0) & (counts[y] > 1), (other - own) / np.where(larger > 0, larger, 1), 0.0)
    return float(value.mean())


def nearest_mean(features: Float[Array, "n d"], labels: Array) -> float:
    """Leave-one-out accuracy of the nearest class mean, Euclidean. Range [0, 1], higher is better. Cost: O(n d C).

    The own class's mean is taken without the sample: its distance grows by n_c / (n_c - 1); a class of one sample is
    never right. A tie of m means counts 1/m.

    Raises:
        InputError: bad features or labels.
    """
    phi, y = labelled(features, labels)
    x = phi - phi.mean(0)
    means, counts = class_means(x, y)
    distance = np.sum(x**2, axis=1)[:, None] - 2 * x @ means.T + np.sum(means**2, axis=1)
    rows = np.arange(len(y))
    growth = np.where(counts > 1, counts / np.maximum(counts - 1, 1), np.inf) ** 2
    distance[rows, y] = np.maximum(distance[rows, y], np.finfo(np.float64).tiny) * growth[y]
    tied = distance <= distance.min(1, keepdims=True) + 1e-12 * float(np.mean(x**2)) * x.shape[1]
    return float(np.mean(tied[rows, y] / tied.sum(1)))
