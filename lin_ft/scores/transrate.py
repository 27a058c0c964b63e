# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
"""TransRate: how many more bits the features of all classes need than those of each class by itself."""

import numpy as np
from jaxtyping import Float

from lin_ft.scores.inputs import Matrix, labelled
from lin_ft.scores.score import Score
from lin_ft.typing import Array


def transrate(features: Float[Array, "n d"], labels: Array, *, eps: float = 1e-4, weighted: bool = False) -> float:
    """R(Z) - mean_c R(Z_c), R(Z) = ½ log det(I + ZᵀZ / (n eps)), Z the features minus their mean.

    Huang et al., ICML 2022, as in the listing it prints: eps is 1e-4 and the mean over classes
    is unweighted, which assumes balanced classes; `weighted` weighs classes by size. In nats; range
    (-inf, inf) unweighted, higher is better; depends on the features' scale through eps, not on rotation.
    Cost: one Gram matrix of the smaller side and one Cholesky factor.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import transrate
        >>> rng, labels = np.random.default_rng(0), np.arange(60) % 3
        >>> noise = rng.normal(size=(60, 4))
        >>> transrate(0.1 * noise + np.eye(4)[labels], labels) > transrate(noise, labels)
        True

    Raises:
        InputError: bad features or labels.
    """
    phi, y = labelled(features, labels)
    z = phi - phi.mean(0)
    counts = np.bincount(y)
    weights = counts / len(y) if weighted else np.full(len(counts), 1 / len(counts))
    by_class = [_rate(z[y == c], eps) for c in range(len(counts))]
    return float(_rate(z, eps) - weights @ by_class)


def _rate(z: Matrix, eps: float) -> float:
    """½ log det(I + Z Zᵀ / (n eps)): the determinant is the same from either side."""
    n, d = z.shape
    gram = z @ z.T if n <= d else z.T @ z
    factor = np.linalg.cholesky(gram / (n * eps) + np.eye(len(gram)))
    return float(np.sum(np.log(np.diag(factor))))


SCORES = {
    "transrate": Score(
        transrate,
        "R(Z) - mean_c R(Z_c), R = 1/2 logdet(I + Z'Z / (n eps))",
        "Huang et al., ICML 2022",
        "(-inf, inf)",
        "one Cholesky factor of side min(n, d)",
    ),
}
