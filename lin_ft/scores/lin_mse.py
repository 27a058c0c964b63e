"""LinMSE and LabMSE: how well ridge regression fits regression targets."""

import numpy as np
from jaxtyping import Float

from lin_ft.scores.factor import COST_OF_SVD, ThinSVD, thin_svd
from lin_ft.scores.inputs import matrix
from lin_ft.scores.logme import regression_targets
from lin_ft.scores.score import Score
from lin_ft.typing import Array


def lin_mse(features: Float[Array, "n d"], values: Array, *, ridge: float = 1.0, svd: ThinSVD | None = None) -> float:
    """-(1/n) ||Y - F W - b||², W the ridge solution with penalty ridge n ||W||² on the summed squares.

    Nguyen et al., UAI 2023. Range (-inf, 0], higher is better; in-sample, so with ridge 0 it is 0 for every
    model with d >= n. Cost: one thin decomposition. `svd`: of the centred features, if at hand. The authors' code
    divides by the number of targets as well.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import lin_mse
        >>> x, line, other = np.arange(4.0)[:, None], np.array([0.0, 2.0, 4.0, 6.0]), np.array([0.0, 6.0, 0.0, 6.0])
        >>> [round(lin_mse(x, values, ridge=0.1), 3) for values in (line, other)]
        [-0.027, -7.21]

    Raises:
        InputError: features or targets that are not finite or of different samples.
    """
    phi = matrix(features)
    y = regression_targets(values, len(phi))
    svd = thin_svd(phi) if svd is None else svd
    kept = svd.singular**2 / (svd.singular**2 + ridge * len(y))
    centred = y - y.mean(0)
    residual = centred - svd.left @ (kept[:, None] * (svd.left.T @ centred))
    return float(-np.sum(residual**2) / len(y))


def lab_mse(source_outputs: Float[Array, "n k"], values: Array, *, ridge: float = 1.0) -> float:
    """`lin_mse` from the source model's outputs (its predicted labels) instead of its features.

    Nguyen et al., UAI 2023. Range (-inf, 0], higher is better. Cost: O(n k²).

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import lab_mse
        >>> outputs = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8], [0.1, 0.9]])
        >>> round(lab_mse(outputs, np.array([0.0, 0.0, 1.0, 1.0]), ridge=0.01), 3)
        -0.014
    """
    return lin_mse(matrix(source_outputs, "source outputs"), values, ridge=ridge)


SCORES = {
    "lin_mse": Score(
        lin_mse,
        "-mean |y - F w|^2, ridge regression from features",
        "Nguyen et al., UAI 2023",
        "(-inf, 0]",
        COST_OF_SVD,
    ),
    "lab_mse": Score(
        lab_mse,
        "-mean |y - g w|^2, ridge regression from source outputs",
        "Nguyen et al., UAI 2023",
        "(-inf, 0]",
        "O(n k^2)",
    ),
}
