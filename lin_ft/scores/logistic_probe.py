# pyright: reportMissingTypeStubs=false, reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
"""Cross-validated accuracy of a logistic probe."""

import numpy as np
from jaxtyping import Float

from lin_ft.scores.inputs import Classes, Matrix, labelled
from lin_ft.scores.score import Score
from lin_ft.typing import Array


def logistic_probe(
    features: Float[Array, "n d"], labels: Array, *, folds: int = 3, ridge: float = 1e-3, iterations: int = 30
) -> float:
    """Cross-validated accuracy of multinomial logistic regression, minimised by L-BFGS from zero.

    Folds are stratified in the order of the samples; features are centred and divided by their root mean square, over
    all samples and features (no labels). parc: one half against the other, 20 iterations. Range [0, 1], higher is
    better; unchanged by rotation and scale. Cost: `folds` x `iterations` x 2 products of n x min(n, d) x C. It trains.
    A class of one sample is never predicted rightly.

    Args:
        features: phi of the images.
        labels: classes of the images.
        folds: of the cross-validation.
        ridge: penalty on the weights.
        iterations: of L-BFGS.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import logistic_probe
        >>> x = np.array([[0.0, 1.0], [0.0, 2.0], [4.0, 1.0], [4.0, 2.0]])
        >>> apart, mixed = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
        >>> round(logistic_probe(x, apart, folds=2), 3), round(logistic_probe(x, mixed, folds=2), 3)
        (1.0, 0.0)

    Raises:
        InputError: bad features or labels.
    """
    phi, y = labelled(features, labels)
    x = standard_size(phi)
    fold = np.empty(len(y), int)
    for c in range(y.max() + 1):
        fold[y == c] = (np.arange(np.sum(y == c)) + c) % folds
    logits = np.zeros((len(y), y.max() + 1))
    for k in range(folds):
        train, test = fold != k, fold == k
        if train.any() and test.any():
            weights, bias, _ = fit_logistic(x[train], y[train], ridge, iterations, int(y.max()) + 1)
            logits[test] = x[test] @ weights + bias
    return tied_accuracy(logits, y)


def standard_size(phi: Matrix) -> Matrix:
    """Centred rows of mean squared length one: one ridge then means the same for every model."""
    x = phi - phi.mean(0)
    return x / max(float(np.sqrt(np.mean(x**2))) * np.sqrt(x.shape[1]), np.finfo(np.float64).tiny ** 0.5)


def fit_logistic(
    x: Matrix, y: Classes, ridge: float, iterations: int, n_classes: int | None = None, *, tolerance: float = 1e-6
) -> tuple[Float[np.ndarray, "d C"], Float[np.ndarray, " C"], float]:
    """W, b and the value of the mean cross-entropy + ridge/2 ||W||² after L-BFGS from zero; strictly convex in W."""
    from scipy.optimize import minimize

    n, d = x.shape
    n_classes = n_classes or int(y.max()) + 1
    targets, rows = np.eye(n_classes)[y], np.arange(n)

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        weights, bias = theta[:-n_classes].reshape(d, n_classes), theta[-n_classes:]
        logits = x @ weights + bias
        logits -= logits.max(1, keepdims=True)
        powers = np.exp(logits)
        sums = powers.sum(1)
        slope = (powers / sums[:, None] - targets) / n
        value = float(np.mean(np.log(sums) - logits[rows, y]) + 0.5 * ridge * np.sum(weights**2))
        return value, np.concatenate([(x.T @ slope + ridge * weights).ravel(), slope.sum(0)])

    start = np.zeros((d + 1) * n_classes)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", tol=tolerance, options={"maxiter": iterations})
    return found.x[:-n_classes].reshape(d, n_classes), found.x[-n_classes:], float(found.fun)


def tied_accuracy(logits: Float[np.ndarray, "n C"], y: Classes) -> float:
    """Share of samples whose own class has the largest logit; a tie of m classes counts 1 / m."""
    tied = np.isclose(logits, logits.max(1, keepdims=True), rtol=1e-12, atol=1e-12)
    return float(np.mean(tied[np.arange(len(y)), y] / tied.sum(1)))


SCORES = {
    "logistic_probe": Score(
        logistic_probe,
        "3-fold accuracy of multinomial logistic regression",
        "Bolya et al., NeurIPS 2021",
        "[0, 1]",
        "3 x 30 L-BFGS iterations of O(n d C): it trains",
    ),
}
