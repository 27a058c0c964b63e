# pyright: reportUnknownArgumentType=false
"""LEEP: the log-likelihood of the labels given the source head's probabilities."""

import numpy as np
from jaxtyping import Float

from lin_ft.scores.inputs import Classes, Matrix, classes_of, one_hot, probabilities
from lin_ft.scores.score import Score
from lin_ft.typing import Array


def leep(source_probabilities: Float[Array, "n Z"], labels: Array) -> float:
    """LEEP: (1/n) sum_i log sum_z P(y_i|z) theta_iz, P(y,z) = (1/n) sum_{i: y_i=y} theta_iz.

    Nguyen et al., ICML 2020 (arXiv 2002.12462), eq. 2. Range (-inf, 0], higher is better; LEEP >= NCE + mean log
    theta_{i z_i}. Cost: O(n Z C). Copies in the repositories of SFDA, ETran, PED and NCTI drop the log, pactran's has
    the other sign.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import leep
        >>> source = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.1, 0.9]])  # probabilities of two source classes
        >>> round(leep(source, np.array([0, 0, 1, 1])), 3), round(leep(source, np.array([0, 1, 0, 1])), 3)
        (-0.343, -0.675)

    Raises:
        InputError: as `nce`.
    """
    theta = probabilities(source_probabilities)
    return expected_log(theta, classes_of(labels, len(theta)))


def expected_log(theta: Matrix, y: Classes) -> float:
    """Mean over the samples of log sum_z P(y_i | z) theta_iz, P(y | z) the empirical conditional of `theta` and `y`.

    `theta` (n, Z) holds probabilities of Z source classes or clusters, rows adding up to 1.
    """
    joint = one_hot(y).T @ theta
    conditional = joint / np.maximum(joint.sum(0), np.finfo(np.float64).tiny)
    return float(np.mean(np.log(np.maximum(np.sum(theta * conditional[y], axis=1), np.finfo(np.float64).tiny))))


SCORES = {
    "leep": Score(leep, "mean_i log sum_z P(y_i|z) theta_iz", "Nguyen et al., ICML 2020", "(-inf, 0]", "O(n Z C)"),
}
