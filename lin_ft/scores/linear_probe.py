# pyright: reportUnknownArgumentType=false
"""Leave-one-out accuracy of a ridge-regression probe, in closed form."""

import numpy as np
from jaxtyping import Float

from lin_ft.scores.factor import COST_OF_SVD, ThinSVD, thin_svd
from lin_ft.scores.inputs import labelled, one_hot
from lin_ft.scores.logistic_probe import tied_accuracy
from lin_ft.scores.score import Score
from lin_ft.typing import Array

RIDGES = tuple(10.0**power for power in range(-6, 2))
"""In units of the mean of the squared singular values."""


def linear_probe(features: Float[Array, "n d"], labels: Array, *, svd: ThinSVD | None = None) -> float:
    """Leave-one-out accuracy of ridge regression on one-hot labels, with an intercept, at the ridge of least loss.

    r_loo,i = r_i / (1 - H_ii), H = 11ᵀ/n + U diag(s² / (s² + ridge)) Uᵀ (PRESS; Allen 1974). Range [0, 1], higher is
    better; unchanged by rotation and scale. Cost: one thin decomposition and O(n r (C + 1)) a ridge. The ridge, one of
    RIDGES, is chosen by the leave-one-out squared loss; a tie of m classes counts 1/m.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import linear_probe
        >>> rng, labels = np.random.default_rng(0), np.arange(40) % 2
        >>> noise = rng.normal(size=(40, 4))
        >>> linear_probe(noise + 3 * labels[:, None], labels) > linear_probe(noise, labels)
        True

    Raises:
        InputError: bad features or labels.
    """
    phi, y = labelled(features, labels)
    svd = thin_svd(phi) if svd is None else svd
    targets = one_hot(y)
    best, accuracy = np.inf, 0.0
    squares = svd.singular**2
    scale = float(squares.mean()) if len(squares) else 1.0
    along, squared = svd.left.T @ targets, svd.left**2
    for ridge in RIDGES:
        kept = squares / (squares + ridge * scale)
        fitted = targets.mean(0) + svd.left @ (kept[:, None] * along)
        leverage = 1 / len(y) + squared @ kept
        residual = (targets - fitted) / np.maximum(1 - leverage, np.finfo(np.float64).eps)[:, None]
        loss = float(np.mean(residual**2))
        if loss < best:
            best, accuracy = loss, tied_accuracy(targets - residual, y)
    return accuracy


SCORES = {
    "linear_probe": Score(
        linear_probe,
        "leave-one-out accuracy of ridge regression, r_i / (1 - H_ii)",
        "Allen 1974",
        "[0, 1]",
        COST_OF_SVD,
    ),
}
