"""Embeddings of data sets and models, for a ranker that learns which sources suit which targets.

Model Spider (Zhang et al. 2023, arXiv 2306.03900) and learning on the graph of a model zoo (Li et al. 2024, arXiv
2404.03988) describe a data set by the features that one general network gives it, and a model by its source's
embedding and by facts that hold for every target. `learned_ranking` then weighs them from past tasks.
"""

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.typing import Array


def dataset_embedding(features: Float[Array, "n d"]) -> Float[np.ndarray, " e"]:
    """Mean and standard deviation of every feature over the images: (2 d,). No labels.

    Take the features of all data sets, sources and targets, from one and the same network. Cost: O(n d).

    Examples:
        >>> import numpy as np
        >>> from lin_ft.selectors import dataset_embedding
        >>> dataset_embedding(np.array([[1.0, 0.0], [3.0, 0.0]]))
        array([2., 0., 1., 0.])

    Raises:
        InputError: features that are not finite.
    """
    phi = _finite(features, "features")
    return np.concatenate([phi.mean(0), phi.std(0)])


def embedding_features(
    targets: Float[Array, "T e"],
    sources: Float[Array, "M f"],
    models: Float[Array, "m q"] | None = None,
    *,
    seeds: int = 1,
) -> Float[np.ndarray, "S T M F"]:
    """What to tell `learned_ranking` of each task and model, F = 2 + q numbers; the same for every seed.

    1. The cosine of the embeddings of target and source, both minus the mean of all embeddings, in [-1, 1].
    2. Minus their distance over the root mean square of all distances between targets and sources.
    3. `models`: facts of each model, such as log weights or source accuracy, each with mean 0 and variance 1 over the
       zoo; constant ones are 0.

    `sources` has one row for each model, the embedding of the data set that it was trained on. Cost: O(T M e).

    Examples:
        >>> import numpy as np
        >>> from lin_ft.selectors import embedding_features
        >>> targets, sources = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 0.1], [0.2, 1.0], [0.5, 0.5]])
        >>> embedding_features(targets, sources)[0, :, :, 0].argmax(1)  # the source that is nearest to each target
        array([0, 1])

    Raises:
        InputError: embeddings of different length or that are not finite, facts of another number of models.
    """
    t, s = _finite(targets, "targets"), _finite(sources, "sources")
    if t.shape[1] != s.shape[1]:
        raise InputError(f"sources: embeddings of length {s.shape[1]}, but the targets' have {t.shape[1]}.")
    facts = np.zeros((len(s), 0)) if models is None else _finite(models, "models")
    if len(facts) != len(s):
        raise InputError(f"models: facts of {len(facts)} models, but there are {len(s)} sources.")
    apart = np.linalg.norm(t[:, None] - s[None], axis=2)
    size = max(float(np.sqrt(np.mean(apart**2))), np.finfo(np.float64).tiny)
    mean = np.concatenate([t, s]).mean(0)
    cosine = _unit(t - mean) @ _unit(s - mean).T
    spread = facts.std(0)
    standard = np.where(spread > 0, (facts - facts.mean(0)) / np.where(spread > 0, spread, 1), 0.0)
    repeated = np.broadcast_to(standard, (len(t), *standard.shape))
    pairs = np.concatenate([cosine[:, :, None], -apart[:, :, None] / size, repeated], axis=2)
    return np.repeat(pairs[None], seeds, axis=0)


def _unit(rows: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.where(norms > 0, rows / np.where(norms > 0, norms, 1), 0.0)


def _finite(values: Array, name: str) -> np.ndarray:
    array = np.asarray(values, np.float64)
    if array.ndim != 2 or not array.size or not np.isfinite(array).all():
        raise InputError(f"{name}: shape {array.shape}; give finite numbers, one row each.")
    return array
