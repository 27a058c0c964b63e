"""Rankings that never look at the target. A score that does not beat them has learnt nothing about the task."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from lin_ft.benchmark.results import Results
from lin_ft.errors import InputError

RANDOM = "random"
REFERENCE_FIRST = "reference first (static)"
BEST_ON_AVERAGE = "best on average on the other tasks (static)"
MOST_PARAMETERS = "most parameters (static)"
BEST_ON_SOURCE = "best on its source (static)"
FINE_TUNED = "fine-tuned on another draw"
BASELINES = (
    "nearest_neighbours", "linear_probe", MOST_PARAMETERS, BEST_ON_AVERAGE, REFERENCE_FIRST, FINE_TUNED, RANDOM
)  # fmt: skip
"""Rows of every table, whatever else it shows."""


def leave_one_task_out(results: Results) -> Float[np.ndarray, "S T M"]:
    """Best on average elsewhere: the mean rank of a model over all other tasks and their draws, the task left out.

    Ranks are from 0 (worst) to 1 (best) among the models that have an accuracy. It must know fine-tuned accuracies of
    other tasks, which no score needs; it is the bar of arXiv 2510.06448. NaN for a model measured nowhere else.

    Raises InputError with a single task.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import Results, leave_one_task_out
        >>> truth = np.random.default_rng(0).uniform(0.3, 0.7, (6, 5))
        >>> results = Results(tuple("abcde"), tuple("stuvwx"), np.stack([truth, truth]), "a")  # two draws of six tasks
        >>> leave_one_task_out(results).shape
        (2, 6, 5)
    """
    n_draws, n_tasks, _ = results.accuracy.shape
    if n_tasks < 2:
        raise InputError("Ranking by the other tasks needs at least two tasks.")
    places = np.full(results.accuracy.shape, np.nan)
    for s in range(n_draws):
        for t in range(n_tasks):
            kept = np.isfinite(results.accuracy[s, t])
            if kept.sum() > 1:
                places[s, t, kept] = (rankdata(results.accuracy[s, t, kept]) - 1) / (kept.sum() - 1)
    total, count = np.nansum(places, axis=0), np.isfinite(places).sum(axis=0)  # (T, M)
    others, counts = total.sum(axis=0) - total, count.sum(axis=0) - count
    static = np.where(counts > 0, others / np.maximum(counts, 1), np.nan).round(12)  # equal means stay tied
    return np.broadcast_to(static, results.accuracy.shape).copy()


def fixed(results: Results, values: Sequence[float]) -> Float[np.ndarray, "S T M"]:
    """One value a model, the same on every task: number of parameters, source accuracy, an order of groups.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import Results, fixed
        >>> truth = np.random.default_rng(0).uniform(0.3, 0.7, (6, 5))
        >>> results = Results(tuple("abcde"), tuple("stuvwx"), np.stack([truth, truth]), "a")  # two draws of six tasks
        >>> fixed(results, [5.0, 4.0, 3.0, 2.0, 1.0])[0, 0]
        array([5., 4., 3., 2., 1.])
    """
    if len(values) != len(results.models):
        raise InputError(f"{len(values)} values for {len(results.models)} models: give one each.")
    return np.broadcast_to(np.asarray(values, np.float64), results.accuracy.shape).copy()


def at_random(results: Results) -> Float[np.ndarray, "S T M"]:
    """All models alike: every statistic is then its expectation over random orders, correlations are undefined.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import Results, at_random, trials
        >>> truth = np.random.default_rng(0).uniform(0.3, 0.7, (6, 5))
        >>> results = Results(tuple("abcde"), tuple("stuvwx"), np.stack([truth, truth]), "a")  # two draws of six tasks
        >>> trials(at_random(results)[0, 0], results.accuracy[0, 0], tolerance=0.0)  # the best of 5, found at random
        3.0
    """
    return np.zeros(results.accuracy.shape)


def always(results: Results, models: Sequence[str]) -> Float[np.ndarray, "S T M"]:
    """These first, in the order given, then the rest at random: the reference always, or all reference models.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import Results, always
        >>> truth = np.random.default_rng(0).uniform(0.3, 0.7, (6, 5))
        >>> results = Results(tuple("abcde"), tuple("stuvwx"), np.stack([truth, truth]), "a")  # two draws of six tasks
        >>> always(results, ["c", "a"])[0, 0]
        array([1., 0., 2., 0., 0.])
    """
    unknown = [name for name in models if name not in results.models]
    if unknown:
        raise InputError(f"Not among the models: {', '.join(unknown)}.")
    value = {name: float(len(models) - place) for place, name in enumerate(models)}
    return fixed(results, [value.get(name, 0.0) for name in results.models])


def static_rankings(results: Results, facts: Mapping[str, np.ndarray]) -> dict[str, Float[np.ndarray, "S T M"]]:
    """Rows of every table that never look at the target; `facts` as `lin_ft.benchmark.collect.matrix` gives them.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import Results, static_rankings
        >>> truth = np.random.default_rng(0).uniform(0.3, 0.7, (6, 5))
        >>> results = Results(tuple("abcde"), tuple("stuvwx"), np.stack([truth, truth]), "a")  # two draws of six tasks
        >>> for name in static_rankings(results, {"n_params": np.arange(5.0)}):
        ...     print(name)
        reference first (static)
        random
        best on average on the other tasks (static)
        most parameters (static)
    """
    rows = {REFERENCE_FIRST: always(results, (results.reference,)), RANDOM: at_random(results)}
    if len(results.tasks) > 1:
        rows[BEST_ON_AVERAGE] = leave_one_task_out(results)
    for name, fact in ((MOST_PARAMETERS, "n_params"), (BEST_ON_SOURCE, "source_test_accuracy")):
        if fact in facts:
            rows[name] = fixed(results, facts[fact].tolist())
    return rows


def fine_tuned(results: Results) -> dict[str, Float[np.ndarray, "S T M"]]:
    """What a user would otherwise do: fine-tune every model once, on other images of the same task.

    The accuracies of draw s, held against the mean of the other draws; nothing with fewer than two draws.
    """
    return {FINE_TUNED: results.accuracy} if len(results.accuracy) > 1 else {}


def is_blind(name: str) -> bool:
    """A row of `static_rankings`."""
    return name == RANDOM or name.endswith("(static)")
