# pyright: reportMissingTypeStubs=false, reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
"""Domain similarity: the earth mover's distance between the class means of source and target."""

import numpy as np
from jaxtyping import Float

from lin_ft.scores.inputs import class_means, labelled
from lin_ft.scores.score import Score
from lin_ft.scores.source_data import source_classes
from lin_ft.typing import Array


def domain_similarity(
    features: Float[Array, "n d"],
    labels: Array,
    source_features: Float[Array, "m e"],
    source_labels: Array,
    *,
    gamma: float = 0.01,
) -> float:
    """exp(-gamma EMD), EMD the earth mover's distance of the class means.

    Weights are the shares of the images, the ground distance is Euclidean.

    Cui et al., CVPR 2018 (domain similarity). Range (0, 1], higher is better; unchanged by rotation. Cost: a linear
    programme in C Z variables. The original uses one fixed network for all models and keeps source classes of >= 200
    images.

    Args:
        features: phi of the images.
        labels: classes of the images.
        source_features: phi of images of the source.
        source_labels: their classes.
        gamma: of the exponential, in 1 / (unit of the features).

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import domain_similarity
        >>> x, labels = np.array([[0.0, 1.0], [0.0, 2.0], [4.0, 1.0], [4.0, 2.0]]), np.array([0, 0, 1, 1])
        >>> domain_similarity(x, labels, x, labels), round(domain_similarity(x, labels, x + 10, labels), 3)
        (1.0, 0.868)

    Raises:
        InputError: bad features or labels, of either data set.
    """
    (means, weights), (source_means, source_weights) = (
        class_means(*labelled(features, labels)),
        class_means(*source_classes(features, source_features, source_labels)),
    )
    distances = np.linalg.norm(means[:, None] - source_means[None], axis=2)
    moved = earth_mover(weights / weights.sum(), source_weights / source_weights.sum(), distances)
    return float(np.exp(-gamma * moved))


def earth_mover(
    supply: Float[np.ndarray, " C"], demand: Float[np.ndarray, " Z"], distances: Float[np.ndarray, "C Z"]
) -> float:
    """min sum f_cz d_cz, f >= 0, rows of f adding to `supply`, columns to `demand`."""
    return float(max(np.sum(transport_plan(supply, demand, distances) * distances), 0.0))


def transport_plan(
    supply: Float[np.ndarray, " C"], demand: Float[np.ndarray, " Z"], distances: Float[np.ndarray, "C Z"]
) -> Float[np.ndarray, "C Z"]:
    """The f of `earth_mover`: how much goes from each c to each z; `supply` and `demand` have the same sum."""
    import scipy.sparse as sparse
    from scipy.optimize import linprog

    c, z = distances.shape
    rows = sparse.kron(sparse.eye(c), np.ones((1, z)))
    columns = sparse.kron(np.ones((1, c)), sparse.eye(z))
    both = sparse.vstack([rows, columns]).tocsr()[:-1]  # one of the constraints follows from the others
    solution = linprog(distances.ravel(), A_eq=both, b_eq=np.concatenate([supply, demand])[:-1], method="highs")
    return np.maximum(solution.x, 0.0).reshape(c, z)


SCORES = {
    "domain_similarity": Score(
        domain_similarity,
        "exp(-0.01 EMD) of class means",
        "Cui et al., CVPR 2018",
        "(0, 1]",
        "a linear programme in C Z variables",
    ),
}
