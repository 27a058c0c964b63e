"""The statistics of one score on one task and draw, by name, with their titles and units."""

from lin_ft.benchmark.correlation import CORRELATIONS
from lin_ft.benchmark.resampling import Statistic
from lin_ft.benchmark.selection import gain, regret, trials

STATISTICS: dict[str, Statistic] = {
    **{name: lambda s, a, _, f=function: f(s, a) for name, function in CORRELATIONS.items()},
    "regret_1": lambda s, a, _: regret(s, a, 1),
    "regret_3": lambda s, a, _: regret(s, a, min(3, len(a))),
    "gain_1": lambda s, a, reference: gain(s, a, reference, 1),
    "gain_3": lambda s, a, reference: gain(s, a, reference, min(3, len(a))),
    "trials_1_point": lambda s, a, _: trials(s, a, 0.01),
    "trials_best": lambda s, a, _: trials(s, a, 0.0),
}
"""Name -> (scores, accuracies, reference's accuracy) -> number. Regrets and gains are fractions."""

SHOWN = ("spearman", "weighted_tau", "regret_1", "regret_3", "trials_best")
"""Columns of every report."""

TITLES = {
    "spearman": "Spearman", "kendall": "Kendall", "weighted_tau": "weighted tau", "pearson": "Pearson",
    "same_architecture": "tau, same architecture", "across_architectures": "tau, across architectures",
    "regret_1": "points lost by the first", "regret_3": "points lost by three", "gain_1": "gain of the first",
    "gain_3": "gain of three", "trials_1_point": "trials to 1 point", "trials_best": "trials to the best",
}  # fmt: skip
POINTS = ("regret_1", "regret_3", "gain_1", "gain_3")
"""Shown in points (percent of test images)."""
LESS_IS_BETTER = ("regret_1", "regret_3", "trials_1_point", "trials_best")
