"""Scores from the source head's probabilities: NCE, LEEP, and N-LEEP, which puts a mixture in the head's place."""

import warnings

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.scores.factor import ThinSVD, thin_svd
from lin_ft.scores.inputs import Classes, Matrix, classes_of, labelled, one_hot, probabilities
from lin_ft.typing import Array


def nce(source_probabilities: Float[Array, "n Z"], labels: Array) -> float:
    """Negative conditional entropy -H(Y|Z) = sum_{y,z} P(y,z) log(P(y,z) / P(z)), z the most probable source class.

    Tran, Nguyen and Hassner, ICCV 2019 (arXiv 1908.08142); P by counting. Range [-log C, 0], higher is better. Cost:
    O(n Z + C Z). Published code adds 1e-5 to the counts (parc) or uses soft joint counts (pactran), which shifts the
    values.

    Raises:
        InputError: rows that do not sum to one, and bad labels (see lin_ft.scores.inputs).
    """
    theta = probabilities(source_probabilities)
    y, z = classes_of(labels, len(theta)), theta.argmax(1)
    joint = np.zeros((y.max() + 1, theta.shape[1]))
    np.add.at(joint, (y, z), 1 / len(y))
    ratio = joint / np.maximum(joint.sum(0), np.finfo(np.float64).tiny)
    return float(np.sum(joint[joint > 0] * np.log(ratio[joint > 0])))


def leep(source_probabilities: Float[Array, "n Z"], labels: Array) -> float:
    """LEEP: (1/n) sum_i log sum_z P(y_i|z) theta_iz, P(y,z) = (1/n) sum_{i: y_i=y} theta_iz.

    Nguyen et al., ICML 2020 (arXiv 2002.12462), eq. 2. Range (-inf, 0], higher is better; LEEP >= NCE + mean log
    theta_{i z_i}. Cost: O(n Z C). Copies in the repositories of SFDA, ETran, PED and NCTI drop the log, pactran's has
    the other sign.

    Raises:
        InputError: as `nce`.
    """
    theta = probabilities(source_probabilities)
    return _leep(theta, classes_of(labels, len(theta)))


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
    return _leep(mixture.predict_proba(x), y)


def reduced(phi: Matrix, energy: float, svd: ThinSVD | None = None) -> Matrix:
    """The fewest principal components that keep `energy` of the variance; scaled to unit mean variance."""
    svd = thin_svd(phi) if svd is None else svd
    if not len(svd.singular):
        return np.zeros((len(phi), 1))
    shares = np.cumsum(svd.singular**2) / np.sum(svd.singular**2)
    x = svd.scores(int(np.searchsorted(shares, energy)) + 1)
    return x / np.sqrt(np.mean(x**2))


def _leep(theta: Matrix, y: Classes) -> float:
    joint = one_hot(y).T @ theta
    conditional = joint / np.maximum(joint.sum(0), np.finfo(np.float64).tiny)
    return float(np.mean(np.log(np.maximum(np.sum(theta * conditional[y], axis=1), np.finfo(np.float64).tiny))))
