"""ETran: the energy of the features and a linear discriminant, each put on [0, 1] over the zoo."""

import numpy as np
from jaxtyping import Float

from lin_ft.scores.discriminant import Discriminant, Fitted
from lin_ft.scores.inputs import class_means, labelled, matrix
from lin_ft.scores.score import Score
from lin_ft.scores.sfda import sfda
from lin_ft.typing import Array


def etran_energy(features: Float[Array, "n d"], *, share: float = 0.005) -> float:
    """Mean of the lowest 0.5 % (at least one) of the energies log sum_k exp(phi_ik); no labels.

    Gholami et al., ICCV 2023 (energy score). Range (-inf, inf), higher is better (in distribution); unchanged by the
    order of features, not by rotation or scale. Cost: O(n d). The published slice is empty below 200 samples: NaN.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import etran_energy
        >>> round(etran_energy(np.array([[0.0, 0.0], [3.0, 1.0]])), 3)  # log(2), the lower one
        0.693

    Raises:
        InputError: features that are not finite.
    """
    phi = matrix(features)
    top = phi.max(1)
    energy = np.sort(top + np.log(np.sum(np.exp(phi - top[:, None]), axis=1)))
    return float(np.mean(energy[: max(1, int(share * len(energy) + 1e-9))]))


def etran_classification(
    features: Float[Array, "n d"], labels: Array, *, fitted: Fitted | None = None, published: bool = False
) -> float:
    """Mean posterior of the discriminant of SFDA, without ConfMix.

    Gholami et al., ICCV 2023 (classification score). Range [0, 1], higher is better. Cost: a Cholesky factor of side
    min(n, d). `fitted`: the same fit, if at hand. The published code hands a matrix that is not symmetric to `eigh`,
    and takes the orthonormal U that comes back for one with U Uᵀ = S⁻¹. It is U Uᵀ = I: the covariance drops out, and
    `published` is the mean posterior of Gaussian classes of unit variance, softmax_c(log pi_c - ½ ||x - mu_c||²).

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import etran_classification
        >>> rng, labels = np.random.default_rng(0), np.arange(40) % 2
        >>> noise = rng.normal(size=(40, 4))
        >>> etran_classification(noise + 3 * labels[:, None], labels) > etran_classification(noise, labels)
        True

    Raises:
        InputError: bad features or labels.
    """
    if not published:
        return sfda(features, labels, fitted=fitted, confmix=False)
    phi, y = labelled(features, labels)
    x = phi - phi.mean(0)
    means, counts = class_means(x, y)
    p = Discriminant(means, means, counts / len(y)).posteriors(x)
    return float(np.mean(p[np.arange(len(y)), y]))


def etran_parts(features: Float[Array, "n d"], labels: Array, *, fitted: Fitted | None = None) -> tuple[float, float]:
    """(classification, energy) of one model, for `etran` over the zoo. Cost: of both.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import etran_parts
        >>> x = np.array([[0.0, 1.0], [0.0, 2.0], [4.0, 1.0], [4.0, 2.0]])
        >>> np.round(etran_parts(x, np.array([0, 0, 1, 1])), 3)
        array([1.   , 1.313])
    """
    return etran_classification(features, labels, fitted=fitted), etran_energy(features)


def etran(parts: Float[Array, "models 2"]) -> Float[np.ndarray, " models"]:
    """.85 minmax(classification) + .15 minmax(energy) of every model of a zoo. Range [0, 1], higher is better.

    Gholami et al., ICCV 2023, weights of the published code. Min-max over the zoo: a new model changes all
    values, and one model alone scores 0.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import etran
        >>> etran(np.array([[0.9, 2.0], [0.5, 3.0], [0.7, 1.0]])).round(3)
        array([0.925, 0.15 , 0.425])
    """
    scaled = minmax(matrix(parts, "parts"))
    return 0.85 * scaled[:, 0] + 0.15 * scaled[:, 1]


def minmax(values: Float[Array, "models k"]) -> Float[np.ndarray, "models k"]:
    """Each column on [0, 1]; a constant column is 0."""
    values = np.asarray(values, np.float64)
    spread = values.max(0) - values.min(0)
    return np.where(spread > 0, (values - values.min(0)) / np.where(spread > 0, spread, 1), 0.0)


SCORES = {
    "etran_energy": Score(
        etran_energy,
        "mean of the lowest 0.5 % of logsumexp(f_i)",
        "Gholami et al., ICCV 2023",
        "(-inf, inf)",
        "O(n d)",
    ),
    "etran_classification": Score(
        etran_classification,
        "mean_i p(y_i|x_i) of a shrunk linear discriminant",
        "Gholami et al., ICCV 2023",
        "[0, 1]",
        "one Cholesky factor of side min(n, d)",
    ),
    "etran": Score(
        etran_parts,
        ".85 minmax(classification) + .15 minmax(energy) over the zoo",
        "Gholami et al., ICCV 2023",
        "[0, 1]",
        "both parts",
        combine=etran,
    ),
}
