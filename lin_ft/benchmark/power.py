"""The smallest difference between two scores that a matrix of so many tasks can show."""

import dataclasses
import functools
import itertools
import math
from collections.abc import Sequence

import numpy as np
from scipy import optimize, stats

from lin_ft.benchmark.results import PerTask
from lin_ft.errors import InputError

POWER = 0.8
LEVEL = 0.05


@dataclasses.dataclass(frozen=True)
class Resolution:
    """Of one statistic on one matrix."""

    n_tasks: int
    spread: float
    """Standard deviation over tasks of the difference between two scores: the median over all pairs of scores."""
    difference: float
    """The true mean difference that a two-sided paired t test at 5 % finds in 80 % of all such matrices."""
    closest: float
    """The same for the tenth of the pairs that differ least from task to task: forms of one score, say."""

    def with_tasks(self, n_tasks: int) -> float:
        """`difference` of a matrix of so many tasks like these."""
        return smallest_difference(self.spread, n_tasks)


def resolution(values: PerTask, names: Sequence[str] = ()) -> Resolution:
    """Of all pairs of the scores named (default: all).

    Raises InputError with fewer than two scores, or three tasks.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import resolution
        >>> rng = np.random.default_rng(0)
        >>> task = rng.normal(0, 0.1, 14)
        >>> found = resolution({name: task + rng.normal(0, 0.1, 14) for name in "abc"})
        >>> 0.05 < found.difference < 0.2
        True
    """
    rows = np.asarray([values[name] for name in names or values])
    pairs = [first - second for first, second in itertools.combinations(rows, 2)]
    known = [pair[np.isfinite(pair)] for pair in pairs]
    spreads = np.asarray([pair.std(ddof=1) for pair in known if len(pair) > 2])
    if not spreads.size:
        raise InputError("The smallest difference needs at least two scores on three tasks.")
    n_tasks = max(len(pair) for pair in known)
    middle, least = np.quantile(spreads, [0.5, 0.1])
    return Resolution(
        n_tasks, float(middle), smallest_difference(float(middle), n_tasks), smallest_difference(float(least), n_tasks)
    )


def smallest_difference(spread: float, n_tasks: int, *, power: float = POWER, level: float = LEVEL) -> float:
    """The difference delta that T tasks show with this power: `P(|t| > t_crit) = power`, T - 1 degrees of freedom.

    t is noncentral with `delta sqrt(T) / spread`: the power of `scipy.stats.ttest_rel`, solved for the difference;
    about `(z_.975 + z_.8) spread / sqrt(T)` for many tasks.

    Raises InputError for fewer than two tasks, or a power not between the level and 1.

    Examples:
        >>> from lin_ft.benchmark import smallest_difference
        >>> round(smallest_difference(0.2, 14), 3), round(smallest_difference(0.2, 56), 3)
        (0.162, 0.076)
    """
    if n_tasks < 2 or not level < power < 1:
        raise InputError(f"{n_tasks} tasks, power {power}, level {level}: give two tasks, and level < power < 1.")
    return _noncentrality(n_tasks, power, level) * spread / math.sqrt(n_tasks)


@functools.lru_cache(maxsize=256)
def _noncentrality(n_tasks: int, power: float, level: float) -> float:
    freedom = n_tasks - 1
    critical = float(stats.t.ppf(1 - level / 2, freedom))

    def lacking(ncp: float) -> float:
        found = stats.nct.sf(critical, freedom, ncp) + stats.nct.cdf(-critical, freedom, ncp)
        return float(found) - power

    high = 1.0
    while lacking(high) < 0:
        high *= 2
    root = optimize.brentq(lacking, 0.0, high)
    return float(root)  # pyright: ignore[reportArgumentType]
