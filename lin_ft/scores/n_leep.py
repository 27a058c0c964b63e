# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
"""N-LEEP: LEEP with a Gaussian mixture of the features in the place of the source head."""

import warnings

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.scores.factor import COST_OF_SVD, ThinSVD, thin_svd
from lin_ft.scores.inputs import Matrix, labelled
from lin_ft.scores.leep import expected_log
from lin_ft.scores.score import Score
from lin_ft.typing import Array


def n_leep(
    features: Float[Array, "n d"],
    labels: Array,
    *,
    svd: ThinSVD | None = None,
    energy: float = 0.8,
    components_per_class: int = 5,
    seed: int = 0,
) -> float:
    """LEEP with theta the posteriors of a Gaussian mixture fitted to the principal components that keep 80 % energy.

    Li et al., CVPR 2021: 5 components a class. Range (-inf, 0], higher is better. Cost: EM in k
    dimensions, O(n C k) an iteration. `svd`: of the centred features, if at hand.
    Chosen here: diagonal covariances (500 full ones cannot be fitted to 2,000 samples), at most n / 4 components
    (with as many components as samples the score is 0 for every model). Four published codes have four definitions.
    The start is a seeded k-means, so the value depends on the order of the samples; two seeds differ.

    Args:
        features: phi of the images.
        labels: classes of the images.
        svd: of the centred features, if at hand.
        energy: share of the variance that the principal components keep.
        components_per_class: of the mixture, n / 4 in all at most.
        seed: of the start.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import n_leep
        >>> rng, labels = np.random.default_rng(0), np.arange(40) % 2
        >>> noise = rng.normal(size=(40, 4))
        >>> n_leep(noise + 3 * labels[:, None], labels) > n_leep(noise, labels)
        True

    Raises:
        InputError: bad features or labels, scikit-learn missing.
    """
    try:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.mixture import GaussianMixture
    except ImportError as error:
        raise InputError("n_leep: needs scikit-learn; pip install 'lin-ft[scores]'.") from error

    phi, y = labelled(features, labels)
    x = reduced(phi, energy, svd)
    count = max(2, min(components_per_class * (int(y.max()) + 1), len(y) // 4))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # constant features, or fewer distinct points than k
        count = min(count, len(np.unique(x, axis=0)))
        mixture = GaussianMixture(count, covariance_type="diag", random_state=seed).fit(x)
    return expected_log(mixture.predict_proba(x), y)


def reduced(phi: Matrix, energy: float, svd: ThinSVD | None = None) -> Matrix:
    """The fewest principal components that keep `energy` of the variance; scaled to unit mean variance."""
    svd = thin_svd(phi) if svd is None else svd
    if not len(svd.singular):
        return np.zeros((len(phi), 1))
    shares = np.cumsum(svd.singular**2) / np.sum(svd.singular**2)
    x = svd.scores(int(np.searchsorted(shares, energy)) + 1)
    return x / np.sqrt(np.mean(x**2))


SCORES = {
    "n_leep": Score(
        n_leep,
        "LEEP on the posteriors of a Gaussian mixture of PCA features",
        "Li et al., CVPR 2021",
        "(-inf, 0]",
        f"{COST_OF_SVD}, then expectation maximisation",
    ),
}
