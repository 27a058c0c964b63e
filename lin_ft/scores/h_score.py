"""H-score and its shrinkage form: how much of the features' covariance lies between the classes."""

import numpy as np
from jaxtyping import Float

from lin_ft.scores.factor import COST_OF_SVD, ThinSVD, thin_svd
from lin_ft.scores.inputs import Classes, Matrix, labelled
from lin_ft.scores.score import Score
from lin_ft.typing import Array


def h_score(features: Float[Array, "n d"], labels: Array, *, svd: ThinSVD | None = None) -> float:
    """tr(cov(f)⁺ cov(E[f|y])) = sum_c ||Uᵀ 1_c||² / n_c, U the left singular vectors of the centred features.

    Bao et al., ICIP 2019 (definition of the H-score). Range [0, C - 1], higher is better; unchanged by any invertible
    linear map of the features. Cost: one thin decomposition. `svd`: of the centred features, if at hand. Where d >= n -
    1 it is C - 1 for every model: then use the shrinkage form. The published pseudo-inverse keeps directions of pure
    rounding (rcond 1e-15), so published tables hold values above C - 1; stable_transfer multiplies entrywise inside the
    trace.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import h_score
        >>> rng, labels = np.random.default_rng(0), np.arange(40) % 2
        >>> noise = rng.normal(size=(40, 4))
        >>> h_score(noise + 3 * labels[:, None], labels) > h_score(noise, labels)
        True

    Raises:
        InputError: bad features or labels.
    """
    phi, y = labelled(features, labels)
    svd = thin_svd(phi) if svd is None else svd
    if len(svd.singular) == len(y) - 1:  # not its neighbours by rounding, which would rank the models
        return float(y.max())
    return float(np.sum(_between(svd, y)))


def shrinkage_h_score(features: Float[Array, "n d"], labels: Array, *, svd: ThinSVD | None = None) -> float:
    """tr(S_a⁻¹ (1 - a) cov(E[f|y])), S_a = (1 - a) S + a (tr S / d) I with the shrinkage a of Ledoit and Wolf.

    Ibrahim, Ponomareva and Mazumder, ECML 2022 (arXiv 2110.06893). Range [0, C - 1] n / (n - 1),
    higher is better; unchanged by rotation and scale. Cost: one thin decomposition. S divides by n and the
    between-class covariance by n - 1, as the authors' code does.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import shrinkage_h_score
        >>> x = np.array([[0.0, 1.0], [0.0, 2.0], [4.0, 1.0], [4.0, 2.0]])
        >>> apart, mixed = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
        >>> round(shrinkage_h_score(x, apart), 3), round(shrinkage_h_score(x, mixed), 3)
        (1.281, 0.808)

    Raises:
        InputError: bad features or labels.
    """
    phi, y = labelled(features, labels)
    svd = thin_svd(phi) if svd is None else svd
    n, d = svd.shape
    variances = svd.singular**2 / n
    if not len(variances):
        return 0.0
    shrinkage = ledoit_wolf(phi - phi.mean(0), variances)
    precision = 1 / ((1 - shrinkage) * variances + shrinkage * variances.sum() / d)
    return float((1 - shrinkage) * np.sum(precision * svd.singular**2 * _between(svd, y)) / (n - 1))


def ledoit_wolf(centred: Matrix, variances: Float[np.ndarray, " r"]) -> float:
    """Shrinkage in [0, 1]: min(b², d²) / d², d² = ||S - (tr S / d) I||², b² = (1/n²) sum_i ||x_i x_iᵀ - S||².

    Ledoit and Wolf, J. Multivariate Analysis 2004. `variances` are the eigenvalues of S. scikit-learn:
    `ledoit_wolf_shrinkage`.
    """
    n, d = centred.shape
    squared_norm = float(np.sum(variances**2))
    distance = squared_norm - float(variances.sum()) ** 2 / d
    spread = (float(np.sum(np.sum(centred**2, axis=1) ** 2)) / n - squared_norm) / n
    return 0.0 if spread <= 0 else float(min(spread, distance) / distance) if distance > 0 else 1.0


def _between(svd: ThinSVD, y: Classes) -> Float[np.ndarray, " r"]:
    """Share of each left singular vector that lies in the span of the class indicators: sum_c (u · 1_c)² / n_c."""
    sums = np.eye(y.max() + 1)[y].T @ svd.left
    return np.sum(sums**2 / np.bincount(y)[:, None], axis=0)


SCORES = {
    "h_score": Score(h_score, "tr(cov(f)^-1 cov(E[f|y]))", "Bao et al., ICIP 2019", "[0, C - 1]", COST_OF_SVD),
    "shrinkage_h_score": Score(
        shrinkage_h_score,
        "tr(S_a^-1 (1 - a) cov(E[f|y])), S_a Ledoit-Wolf",
        "Ibrahim et al., ECML 2022",
        "[0, (C - 1) n / (n - 1)]",
        COST_OF_SVD,
    ),
}
