"""The noise ceiling: how well can any score rank the models of a task, when fine-tuning itself is noisy?"""

import dataclasses
import itertools
import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from lin_ft.benchmark.correlation import spearman
from lin_ft.benchmark.resampling import mean
from lin_ft.benchmark.results import Results
from lin_ft.errors import InputError


def spearman_brown(agreement: float, n_draws: int | float) -> float:
    """Reliability of the mean of n draws, n rho / (1 + (n - 1) rho), of which two agree at rho; -1 where undefined.

    Examples:
        >>> from lin_ft.benchmark import spearman_brown
        >>> round(spearman_brown(0.5, 4), 3)
        0.8
    """
    if math.isnan(agreement):
        return agreement
    denominator = 1 + (n_draws - 1) * agreement
    return n_draws * agreement / denominator if denominator > 0 else -1.0


def reachable(agreement: float, n_draws: int | float) -> float:
    """sqrt(reliability): what a score that knew every model's expected accuracy would reach against that mean.

    Examples:
        >>> from lin_ft.benchmark import reachable
        >>> round(reachable(0.5, 4), 3)
        0.894
    """
    reliability = spearman_brown(agreement, n_draws)
    return reliability if math.isnan(reliability) else math.sqrt(max(reliability, 0.0))


@dataclasses.dataclass(frozen=True)
class NoiseCeiling:
    """Of one task, from its S draws (of the sample and of the training)."""

    task: str
    n_draws: int
    agreement: float
    """Mean Spearman correlation rho between the accuracies of two draws: the reliability of a single draw."""
    model_spread: float
    """Standard deviation of the expected accuracies of the models (the draws' noise taken out)."""
    draw_spread: float
    """Standard deviation of one model's accuracy over draws, what all models share in a draw taken out."""

    @property
    def reliability(self) -> float:
        """Of the mean over its draws."""
        return spearman_brown(self.agreement, self.n_draws)

    @property
    def rankable(self) -> bool:
        """Models differ more than the means over draws do by noise, or that is not known.

        Where not, no score can be blamed for its order.
        """
        return math.isnan(self.model_spread) or self.model_spread > self.draw_spread / math.sqrt(self.n_draws)


def noise_ceiling(results: Results) -> tuple[NoiseCeiling, ...]:
    """One for each task.

    Classical test theory: with accuracy = true value + independent noise, the correlation of two measurements is their
    reliability rho, the correlation of the true value with one measurement is sqrt(rho) (Spearman 1904), and averaging
    S measurements raises rho to S rho / (1 + (S - 1) rho) (Spearman, Brown 1910). With ranks in place of values this
    holds to good approximation. A negative rho is shown as it is, and gives a ceiling of 0.

    Two draws are correlated over the models that both have; spreads, the components of a two-way analysis of variance
    without replication (model x draw), are of the draws that have more than half of the task's models and of the
    models that all of these have.

    Raises InputError with fewer than two draws.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import Results, noise_ceiling
        >>> truth = np.random.default_rng(0).uniform(0.3, 0.7, (6, 5))
        >>> results = Results(tuple("abcde"), tuple("stuvwx"), np.stack([truth, truth]), "a")  # two draws of six tasks
        >>> [round(row.agreement, 3) for row in noise_ceiling(results)][:2]  # draws without noise
        [1.0, 1.0]
    """
    if results.accuracy.shape[0] < 2:
        raise InputError("A noise ceiling needs the accuracies of at least two draws; there is one.")
    return tuple(_of_task(task, results.accuracy[:, place]) for place, task in enumerate(results.tasks))


def over_all(rows: Sequence[NoiseCeiling]) -> float:
    """Mean agreement of two draws over the tasks: the reliability of one draw of the whole matrix."""
    return mean(np.asarray([row.agreement for row in rows]))


def _of_task(task: str, accuracies: Float[np.ndarray, "S M"]) -> NoiseCeiling:
    present = np.isfinite(accuracies)
    whole = present.sum(axis=1) > present.any(axis=0).sum() / 2
    accuracies = accuracies[whole]
    pairs = [spearman(first, second) for first, second in itertools.combinations(accuracies, 2)]
    spreads = _spreads(accuracies[:, np.isfinite(accuracies).all(axis=0)])
    return NoiseCeiling(task, len(accuracies), mean(np.asarray(pairs)), *spreads)


def _spreads(accuracies: Float[np.ndarray, "S M"]) -> tuple[float, float]:
    n_draws, n_models = accuracies.shape
    if n_models < 2 or n_draws < 2:
        return math.nan, math.nan
    of_models = accuracies.mean(axis=0)
    residual = accuracies - of_models - accuracies.mean(axis=1, keepdims=True) + accuracies.mean()
    within = (residual**2).sum() / ((n_draws - 1) * (n_models - 1))
    between = n_draws * of_models.var(ddof=1)  # expectation: within + S x variance of the expected accuracies
    return math.sqrt(max(between - within, 0.0) / n_draws), math.sqrt(within)
