# pyright: reportMissingTypeStubs=false, reportUnknownArgumentType=false, reportUnknownVariableType=false
"""PACTran: PAC-Bayesian bounds on the loss of a new head, negated so that higher is better."""

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.scores.discriminant import largest_eigenvalue, softmax
from lin_ft.scores.inputs import Classes, Matrix, classes_of, labelled, one_hot, probabilities
from lin_ft.scores.logistic_probe import fit_logistic
from lin_ft.scores.score import Score
from lin_ft.typing import Array

GAUSSIAN_FORMS = {
    "10/1000": (10.0, 1000.0),
    "10/100": (10.0, 100.0),
    "1/100": (1.0, 100.0),
    "1/10": (1.0, 10.0),
    "0.1/10": (0.1, 10.0),
    "0.1/1": (0.1, 1.0),
}
"""The six that the authors report: strength k and prior variance times d."""


def pactran_gaussian(
    features: Float[Array, "n d"],
    labels: Array,
    *,
    form: str = "10/100",
    iterations: int = 100,
    tolerance: float = 1e-6,
) -> float:
    """-(xent(W*) + ||W*||² / (2 k n) + (d C / (2 k n)) s² log(k n mean diag H)), k and s² d one of GAUSSIAN_FORMS.

    Ding et al., ECCV 2022 (PACTran-Gaussian): W*, b* minimise the first two terms on centred features, H is the Hessian
    of the summed loss with its ridge. Range (-inf, inf), higher is better (the authors' sign is the other). Cost:
    L-BFGS, 2 products of n x d x C an iteration. Unchanged by rotation. The authors too stop after 100 iterations or at
    a tolerance of 1e-6, from a random start (here: zero), short of the minimum: the value is then off by up to 8e-3 of
    itself at k = 10, 1e-3 at k = 1 and 3e-4 at k = 0.1. ETran's copy stops at 10.

    Args:
        features: phi of the images.
        labels: classes of the images.
        form: one of GAUSSIAN_FORMS.
        iterations: of L-BFGS at most.
        tolerance: of the gradient, at which it stops before.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import pactran_gaussian
        >>> x = np.array([[0.0, 1.0], [0.0, 2.0], [4.0, 1.0], [4.0, 2.0]])
        >>> apart, mixed = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
        >>> round(pactran_gaussian(x, apart), 3), round(pactran_gaussian(x, mixed), 3)
        (-4.746, -9.506)

    Raises:
        InputError: an unknown form, bad features or labels.
    """
    if form not in GAUSSIAN_FORMS:
        raise InputError(f"form {form!r}: unknown; one of {', '.join(GAUSSIAN_FORMS)} (strength/prior variance).")
    strength, prior_variance = GAUSSIAN_FORMS[form]
    phi, y = labelled(features, labels)
    loss, diagonal, _, d, n_classes = _gaussian(phi, y, strength, iterations, tolerance)
    scale = strength * len(y)
    penalty = 0.5 * d * n_classes / scale * prior_variance / d
    return float(-(loss + penalty * np.log(diagonal * scale / (d * n_classes) + 1e-10)))


def pactran_gradient_norm(
    features: Float[Array, "n d"], labels: Array, *, strength: float = 10.0, prior_variance: float = 10.0
) -> float:
    """The Gaussian bound without training: one gradient step from W = 0, b the log class frequencies.

    -(H(Y) - ½ ||g||² / (L + 1 / (k n)) + (d C / (2 k n)) s² log(k n² c + 1)), g = Fᵀ(P - Y) / n the gradient in W, L =
    ½ sigma_1(FᵀF / n) a bound on the curvature of the mean cross-entropy, c the mean diagonal of its Hessian: by the
    descent lemma no less than the first two terms of the Gaussian form. Ding et al., ECCV 2022, name a gradient-norm
    form; no code of it is public, and this step is our reading. Range (-inf, inf), higher is better; unchanged by
    rotation. Cost: O(n d C) and one eigenvalue of side min(n, d).

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import pactran_gradient_norm
        >>> x = np.array([[0.0, 1.0], [0.0, 2.0], [4.0, 1.0], [4.0, 2.0]])
        >>> apart, mixed = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
        >>> round(pactran_gradient_norm(x, apart), 3), round(pactran_gradient_norm(x, mixed), 3)
        (-1.313, -1.776)

    Raises:
        InputError: bad features or labels.
    """
    phi, y = labelled(features, labels)
    n, d = phi.shape
    x, targets = phi - phi.mean(0), one_hot(y)
    priors = targets.mean(0)
    gradient = x.T @ (np.broadcast_to(priors, targets.shape) - targets) / n
    curvature = float(np.mean(np.outer(np.mean(x**2, axis=0), priors * (1 - priors))))
    scale, size = strength * n, d * targets.shape[1]
    entropy = -float(np.sum(priors * np.log(priors)))
    bound = 0.5 * largest_eigenvalue((x.T @ x if d <= n else x @ x.T) / n)
    gain = 0.5 * float(np.sum(gradient**2)) / (bound + 1 / scale)
    penalty = 0.5 * size / scale * prior_variance / d
    return float(-(entropy - gain + penalty * np.log(curvature * n * scale + 1)))


def pactran_gamma(source_probabilities: Float[Array, "n Z"], labels: Array, *, strength: float = 1.0) -> float:
    """Minus the Gamma-Poisson bound on source probabilities, with a prior a_0 = strength x class frequencies.

    Ding et al., ECCV 2022 (PACTran-Gamma): 10 rounds of q_iz ~ theta_iz exp(digamma(a_{y_i z})),
    a_yz = a0_y + sum_{i: y_i = y} q_iz, then -[sum log Gamma(a0) - log Gamma(a) + sum_i KL(q_i|theta_i) + log l_i - 1]
    / (n C) - 1, l_i = theta_i · sum_y a_y. Range (-inf, inf), higher is better. Cost: 10 rounds of O(n Z C).

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import pactran_gamma
        >>> source = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.1, 0.9]])  # probabilities of two source classes
        >>> [round(pactran_gamma(source, np.array(labels)), 3) for labels in ([0, 0, 1, 1], [0, 1, 0, 1])]
        [-1.212, -1.384]

    Raises:
        InputError: rows that do not sum to one, bad labels.
    """
    from scipy.special import digamma, gammaln, logsumexp, xlogy

    theta = probabilities(source_probabilities)
    y = classes_of(labels, len(theta))
    targets = one_hot(y)
    log_theta = np.log(theta + 1e-10)
    prior = strength * targets.mean(0)[:, None] + 1e-10
    q, log_q, a, rate = theta, log_theta, prior + targets.T @ theta, np.ones(len(y))
    for _ in range(10):
        a = prior + targets.T @ q
        rate = theta @ a.sum(0)
        log_q = log_theta + digamma(a)[y]
        log_q = log_q - logsumexp(log_q, axis=1, keepdims=True)
        q = np.exp(log_q)
    bound = np.sum(gammaln(prior) - gammaln(a)) + np.sum(xlogy(q, q) - q * log_theta) + np.sum(np.log(rate) - 1)
    return float(-(bound / targets.size + 1))


def _gaussian(
    phi: Matrix, y: Classes, strength: float, iterations: int, tolerance: float
) -> tuple[float, float, Matrix, int, int]:
    x = phi - phi.mean(0)
    n, d = x.shape
    scale = strength * n
    weights, bias, loss = fit_logistic(x, y, 1 / scale, iterations, tolerance=tolerance)
    p = softmax(x @ weights + bias)
    diagonal = float(np.sum((x**2).T @ (p - p**2)) + d * weights.shape[1] / scale + np.sum(p - p**2))
    return loss, diagonal, weights, d, weights.shape[1]


SCORES = {
    "pactran_gamma": Score(
        pactran_gamma,
        "minus the Gamma-Poisson PAC-Bayes bound on source probabilities",
        "Ding et al., ECCV 2022",
        "(-inf, inf)",
        "10 rounds of O(n Z C)",
    ),
    "pactran_gaussian": Score(
        pactran_gaussian,
        "-(min_W xent + |W|^2/(2 k n) + (d C/(2 k n)) s^2 log(k n mean diag H))",
        "Ding et al., ECCV 2022",
        "(-inf, inf)",
        "100 L-BFGS iterations of O(n d C): it trains",
        revision=2,
    ),
    "pactran_gradient_norm": Score(
        pactran_gradient_norm,
        "the Gaussian bound after one step from W = 0, by its gradient's norm",
        "Ding et al., ECCV 2022",
        "(-inf, inf)",
        "O(n d C)",
    ),
}
