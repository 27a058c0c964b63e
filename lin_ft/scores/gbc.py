"""GBC: how much Gaussian classes overlap."""

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.scores.factor import ThinSVD, principal
from lin_ft.scores.inputs import class_means, labelled, one_hot
from lin_ft.scores.score import Score
from lin_ft.typing import Array

SHAPES = ("diagonal", "spherical")


def gbc(
    features: Float[Array, "n d"],
    labels: Array,
    *,
    svd: ThinSVD | None = None,
    shape: str = "spherical",
    dimensions: int | None = 64,
    floor: float = 1e-4,
    published: bool = False,
) -> float:
    """-sum_{c != c'} exp(-D_B(c, c')), D_B = ⅛ sum_k (mu - mu')²_k / v_k + ½ sum_k [log v_k - ½ log s_k - ½ log s'_k].

    v is the mean of the two variances s, s'. Pandy et al., CVPR 2022 (arXiv 2111.12780). Range [-C (C - 1), 0], higher
    is better; unchanged by rotation. Variances are of each dimension, at least `floor` (`diagonal`), or the mean of
    these (`spherical`); features are first reduced to 64 principal components (None: not, as in stable_transfer). Cost:
    O(C² k) after the reduction. `published`: the spherical log term once instead of once a dimension, as the authors'
    code has it (1/d of the true one).

    Raises:
        InputError: an unknown shape, bad features or labels.
    """
    if shape not in SHAPES:
        raise InputError(f"shape {shape!r}: unknown; one of {', '.join(SHAPES)}.")
    phi, y = labelled(features, labels)
    x = phi if dimensions is None else principal(phi, dimensions, svd)
    means, counts = class_means(x, y)
    variances = np.maximum(one_hot(y).T @ (x - means[y]) ** 2 / counts[:, None], floor)
    if shape == "spherical":
        variances = np.repeat(variances.mean(1, keepdims=True), x.shape[1], axis=1)
    scale = 1 / x.shape[1] if published and shape == "spherical" else 1.0
    logs = np.log(variances)
    total = 0.0
    for c in range(len(counts)):  # one class against all: O(C k) memory
        average = (variances[c] + variances) / 2
        distance = np.sum((means[c] - means) ** 2 / average, axis=1) / 8
        distance += scale * np.sum(np.log(average) - (logs[c] + logs) / 2, axis=1) / 2
        total += np.sum(np.exp(-distance)) - np.exp(-distance[c])
    return float(-total)


SCORES = {
    "gbc": Score(
        gbc,
        "-sum_(c != c') exp(-D_B(c, c'))",
        "Pandy et al., CVPR 2022",
        "[-C (C - 1), 0]",
        "64 principal components, then O(64 C^2)",
    ),
}
