"""What a score is worth to someone who fine-tunes its first k models: regret, trials, gain.

All values are exact expectations when scores tie (a tie is broken at random), so choosing at random is nothing but a
constant score. A model without a score is tried last; a model without a fine-tuned accuracy does not take part.
"""

import numpy as np
from scipy.special import gammaln

from lin_ft.benchmark.results import Row
from lin_ft.errors import InputError


def best_of_first(scores: Row, accuracies: Row) -> Row:
    """E[max accuracy among the first k], for k = 1 .. M.

    With A the models surely among the first k and B the b models tied at the border, of which r are drawn, the maximum
    over the draw is the j-th smallest of B with probability C(j-1, r-1) / C(b, r). Beyond the number of models that
    have an accuracy the value stays.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import best_of_first
        >>> best_of_first(np.array([3.0, 2.0, 1.0]), np.array([0.5, 0.7, 0.6]))
        array([0.5, 0.7, 0.7])
    """
    groups, curve, sure = _tied(scores, accuracies), [], -np.inf
    for group in groups:
        b, ascending = len(group), np.sort(group)
        if b == 1:
            curve.append(max(float(group[0]), sure))
        for r in range(1, b + 1) if b > 1 else ():
            chance = np.exp(_log_binomial(np.arange(b), r - 1) - _log_binomial(np.asarray(b), r))
            curve.append(float(chance @ np.maximum(ascending, sure)))
        sure = max(sure, ascending[-1])
    if not curve:
        return np.full(len(scores), np.nan)
    return np.asarray(curve + [curve[-1]] * (len(scores) - len(curve)))


def regret(scores: Row, accuracies: Row, k: int = 1) -> float:
    """Accuracy lost by fine-tuning only the first k: max_m a_m - E[max over the first k], at least 0.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import regret
        >>> round(regret(np.array([3.0, 2.0, 1.0]), np.array([0.5, 0.7, 0.6])), 3)
        0.2
    """
    _check_k(k, len(scores))
    curve = best_of_first(scores, accuracies)
    return float(max(curve[-1] - curve[k - 1], 0.0))


def gain(scores: Row, accuracies: Row, reference: float, k: int = 3) -> float:
    """Accuracy won over always fine-tuning the reference: E[max over the first k] - a_reference (paper, figure 4).

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import gain
        >>> round(gain(np.array([3.0, 2.0, 1.0]), np.array([0.5, 0.7, 0.6]), reference=0.6), 3)
        0.1
    """
    _check_k(k, len(scores))
    return float(best_of_first(scores, accuracies)[k - 1] - reference)


def gain_curve(scores: Row, accuracies: Row, reference: float) -> Row:
    """`gain` for k = 1 .. M: the accuracy gain as a function of the number of models tried.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import gain_curve
        >>> gain_curve(np.array([3.0, 2.0, 1.0]), np.array([0.5, 0.7, 0.6]), reference=0.6).round(3)
        array([-0.1,  0.1,  0.1])
    """
    return best_of_first(scores, accuracies) - reference


def trials(scores: Row, accuracies: Row, tolerance: float = 0.01) -> float:
    """Fine-tunings, in the order of the score, until one is within `tolerance` of the best: E[1 .. M].

    A tie of b models that holds g good ones takes (b + 1) / (g + 1) trials in the mean. tolerance 0 is the paper's
    number of trials (figure 6a): the place of the best model in the ranking.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import trials
        >>> trials(np.array([3.0, 2.0, 1.0]), np.array([0.5, 0.7, 0.6]))
        2.0
    """
    if tolerance < 0:
        raise InputError(f"tolerance {tolerance}: give 0 or more, a fraction (0.01 is one point).")
    groups, before = _tied(scores, accuracies), 0
    if not groups:
        return float("nan")
    least = max(group.max() for group in groups) - tolerance - 1e-12  # equal percentages differ in the last bit
    for group in groups:
        good = int((group >= least).sum())
        if good:
            return before + (len(group) + 1) / (good + 1)
        before += len(group)
    raise AssertionError("the best model is within any tolerance of itself")


def _tied(scores: Row, accuracies: Row) -> list[np.ndarray]:
    """Accuracies by falling score, those of equal score together; models without a score last."""
    measured = np.isfinite(accuracies)
    keys = np.where(np.isnan(scores), -np.inf, scores)[measured]
    values, place = np.unique(-keys, return_inverse=True)
    return [accuracies[measured][place == index] for index in range(len(values))]


def _log_binomial(n: np.ndarray, k: int) -> np.ndarray:
    """log C(n, k); -inf where k > n."""
    inside = n >= k
    n = np.where(inside, n, k)
    return np.where(inside, gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1), -np.inf)


def _check_k(k: int, n_models: int) -> None:
    if not 1 <= k <= n_models:
        raise InputError(f"k = {k}: choose how many models to fine-tune, from 1 to {n_models}.")
