"""Distance of the Fisher information of two heads, after Task2Vec."""

import numpy as np
from jaxtyping import Float

from lin_ft.scores.discriminant import softmax
from lin_ft.scores.inputs import Matrix, labelled
from lin_ft.scores.logistic_probe import fit_logistic, standard_size
from lin_ft.scores.score import Score
from lin_ft.scores.source_data import source_classes
from lin_ft.typing import Array


def fisher_distance(
    features: Float[Array, "n d"],
    labels: Array,
    source_features: Float[Array, "m e"],
    source_labels: Array,
    *,
    ridge: float = 1e-3,
    iterations: int = 30,
) -> float:
    """-(1 - cos(F / (F + F_s), F_s / (F + F_s))), F the diagonal Fisher information of a head, summed over classes.

    After Task2Vec (Achille et al., ICCV 2019), with the head only: F_k = (1/n) sum_i phi_ik² sum_c p_ic (1 - p_ic), p
    of a logistic regression trained on each data set, as in `logistic_probe`. Range [-1, 0], higher is better;
    unchanged by the order of features, not by rotation. Cost: 2 x `iterations` L-BFGS steps of O(n d C). It trains.

    Args:
        features: phi of the images.
        labels: classes of the images.
        source_features: phi of images of the source.
        source_labels: their classes.
        ridge: penalty on the weights of the heads.
        iterations: of L-BFGS.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import fisher_distance
        >>> x, labels = np.array([[0.0, 1.0], [0.0, 2.0], [4.0, 1.0], [4.0, 2.0]]), np.array([0, 0, 1, 1])
        >>> round(abs(fisher_distance(x, labels, x, labels)), 6), fisher_distance(x, labels, x[:, ::-1], labels) < -0.1
        (0.0, True)

    Raises:
        InputError: bad features or labels, of either data set.
    """
    pairs = labelled(features, labels), source_classes(features, source_features, source_labels)
    f, s = (_fisher(*pair, ridge, iterations) for pair in pairs)
    total = np.maximum(f + s, np.finfo(np.float64).tiny)
    a, b = f / total, s / total
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b / norm) - 1 if norm > 0 else -1.0


def _fisher(phi: Matrix, y: np.ndarray, ridge: float, iterations: int) -> Float[np.ndarray, " d"]:
    x = standard_size(phi)
    weights, bias, _ = fit_logistic(x, y, ridge, iterations)
    p = softmax(x @ weights + bias)
    return np.mean(phi**2 * np.sum(p * (1 - p), axis=1, keepdims=True), axis=0)


SCORES = {
    "fisher_distance": Score(
        fisher_distance,
        "cos(F/(F + F_s), F_s/(F + F_s)) - 1, F the head's Fisher diagonal",
        "Achille et al., ICCV 2019",
        "[-1, 0]",
        "2 x 30 L-BFGS iterations of O(n d C): it trains",
    ),
}
