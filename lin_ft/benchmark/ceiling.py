"""The noise ceiling: how well can any score rank the models of a task, when fine-tuning itself is noisy?"""

import dataclasses
import itertools
import math

import numpy as np
from jaxtyping import Float

from lin_ft.benchmark.correlation import spearman
from lin_ft.benchmark.results import Results
from lin_ft.errors import InputError


@dataclasses.dataclass(frozen=True)
class NoiseCeiling:
    """Of one task, from S independent seeds (draws of the sample and of the training)."""

    task: str
    agreement: float
    """Mean Spearman correlation rho between the accuracies of two seeds: the reliability of a single seed."""
    reliability: float
    """Of the mean over S seeds, by Spearman-Brown: S rho / (1 + (S - 1) rho)."""
    ceiling_single: float
    """sqrt(rho): what a score that knew every model's expected accuracy would reach against one seed."""
    ceiling_mean: float
    """sqrt(reliability): the same against the mean of the seeds."""
    model_spread: float
    """Standard deviation of the expected accuracies of the models (seeds' noise taken out)."""
    seed_spread: float
    """Standard deviation of one model's accuracy over seeds, what all models share in a seed taken out."""
    rankable: bool
    """Models differ more than seeds do, or that is not known yet. Where not, no score can be blamed for its order."""


def noise_ceiling(results: Results) -> tuple[NoiseCeiling, ...]:
    """One for each task; models that lack an accuracy in some seed are left out of that task.

    Classical test theory: with accuracy = true value + independent noise, the correlation of two measurements is their
    reliability rho, the correlation of the true value with one measurement is sqrt(rho) (Spearman 1904), and averaging
    S measurements raises rho to S rho / (1 + (S - 1) rho) (Spearman, Brown 1910). With ranks in place of values this
    holds to good approximation. For two seeds it is split-half reliability; for more, the mean over all pairs.
    A negative rho is shown as it is, and gives a ceiling of 0.

    Spreads are the components of a two-way analysis of variance without replication, model x seed.

    Raises InputError with fewer than two seeds.
    """
    n_seeds = results.accuracy.shape[0]
    if n_seeds < 2:
        raise InputError("A noise ceiling needs the accuracies of at least two seeds; there is one.")
    rows = []
    for place, task in enumerate(results.tasks):
        accuracies = results.accuracy[:, place]
        accuracies = accuracies[:, np.isfinite(accuracies).all(axis=0)]
        rows.append(_ceiling(task, accuracies))
    return tuple(rows)


def _ceiling(task: str, accuracies: Float[np.ndarray, "S M"]) -> NoiseCeiling:
    n_seeds = len(accuracies)
    pairs = [spearman(first, second) for first, second in itertools.combinations(accuracies, 2)]
    rho = float(np.mean(pairs)) if pairs else float("nan")
    denominator = 1 + (n_seeds - 1) * rho
    reliability = rho if math.isnan(rho) else n_seeds * rho / denominator if denominator > 0 else -1.0
    model_spread, seed_spread = _spreads(accuracies)
    return NoiseCeiling(
        task=task,
        agreement=rho,
        reliability=reliability,
        ceiling_single=_root(rho),
        ceiling_mean=_root(reliability),
        model_spread=model_spread,
        seed_spread=seed_spread,
        rankable=math.isnan(model_spread) or model_spread > seed_spread,
    )


def _root(value: float) -> float:
    return math.nan if math.isnan(value) else math.sqrt(max(value, 0.0))


def _spreads(accuracies: Float[np.ndarray, "S M"]) -> tuple[float, float]:
    n_seeds, n_models = accuracies.shape
    if n_models < 2:
        return math.nan, math.nan
    of_models = accuracies.mean(axis=0)
    residual = accuracies - of_models - accuracies.mean(axis=1, keepdims=True) + accuracies.mean()
    within = (residual**2).sum() / ((n_seeds - 1) * (n_models - 1))
    between = n_seeds * of_models.var(ddof=1)  # expectation: within + S x variance of the expected accuracies
    return math.sqrt(max(between - within, 0.0) / n_seeds), math.sqrt(within)
