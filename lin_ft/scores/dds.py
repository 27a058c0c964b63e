"""DDS: duality diagram similarity, the unbiased CKA of two networks' dissimilarities."""

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.scores.dissimilarity import paired_features, standardised, unit_rows
from lin_ft.scores.score import Score
from lin_ft.typing import Array


def dds(features: Float[Array, "n d"], target_features: Float[Array, "m e"]) -> float:
    """Unbiased CKA of the cosine dissimilarities of z-scored features, of model and target network.

    Dwivedi et al., ECCV 2020; the unbiased estimate is that of Song et al., JMLR 2012. Range about [-1, 1],
    higher is better. Cost: O(n² d). A constant drops out, so 1 - cosine and cosine give the same value.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import dds
        >>> x = np.random.default_rng(0).normal(size=(20, 5))
        >>> round(dds(x, 2 * x), 3), dds(x, np.random.default_rng(1).normal(size=(20, 5))) < 0.5
        (1.0, True)

    Raises:
        InputError: as `rsa`, and fewer than 4 samples.
    """
    x, z = paired_features(features, target_features)
    if len(x) < 4:
        raise InputError(f"{len(x)} samples: the unbiased CKA needs at least 4.")
    k, t = (unit_rows(standardised(values)) for values in (x, z))
    k, t = k @ k.T, t @ t.T
    norm = _hsic(k, k) * _hsic(t, t)
    return float(_hsic(k, t) / np.sqrt(norm)) if norm > 0 else 0.0


def _hsic(kernel: np.ndarray, other: np.ndarray) -> float:
    """[tr(KL) + 1ᵀK1 1ᵀL1 / ((n-1)(n-2)) - 2 1ᵀKL1 / (n-2)] / (n (n-3)), diagonals removed."""
    n = len(kernel)
    k, t = kernel - np.diag(np.diag(kernel)), other - np.diag(np.diag(other))
    value = np.sum(k * t) + k.sum() * t.sum() / ((n - 1) * (n - 2)) - 2 * k.sum(0) @ t.sum(0) / (n - 2)
    return float(value / (n * (n - 3)))


SCORES = {
    "dds": Score(
        dds,
        "unbiased CKA of the cosine dissimilarities of model and target network",
        "Dwivedi et al., ECCV 2020",
        "[-1, 1]",
        "O(n^2 d)",
    ),
}
