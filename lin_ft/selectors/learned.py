"""A ranker learned from past tasks: which models did well elsewhere, and which scores told so?

In the spirit of Model Spider (Zhang et al. 2023, arXiv 2306.03900) and of learning on the graph of a model zoo (Li et
al. 2024, arXiv 2404.03988), by plain regression: from what is known of a model on a task (scores, its ranks on the
other tasks) to its standing among the models of that task. Always leave one task out: the task that is ranked takes no
part in fitting, nor in the ranks that describe a model.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from lin_ft.benchmark.results import Results, Scores
from lin_ft.errors import InputError

ESTIMATORS = ("ridge", "forest")


def rank_features(scores: Scores, names: Sequence[str] = ()) -> Float[np.ndarray, "S T M F"]:
    """Each score as its rank among the models of its seed and task, from -1 (worst) to 1 (best); 0 where it is missing.

    Ranks make scores of different scales and tasks comparable, and nothing of the task but its own scores enters.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.selectors import rank_features
        >>> rank_features({"logme": np.array([[[0.1, 0.9, 0.4]]])})[0, 0, :, 0]
        array([-1.,  1.,  0.])
    """
    names = names or tuple(scores)
    unknown = [name for name in names if name not in scores]
    if unknown or not names:
        raise InputError(f"Unknown scores {', '.join(unknown) or '(none given)'}; there are {', '.join(scores)}.")
    return np.stack([_centred_ranks(scores[name]) for name in names], axis=-1)


def learned_ranking(
    results: Results,
    features: Float[np.ndarray, "S T M F"] | None = None,
    *,
    estimator: str = "ridge",
    seed: int = 0,
) -> Float[np.ndarray, "S T M"]:
    """Predicted standing of each model on each task by a regression fitted to all other tasks; larger is better.

    Target of the regression: the rank of the accuracy within its seed and task, from -1 to 1. Inputs: `features` and
    the model's mean rank on the tasks other than the row's own and the one left out, so a row of training and one of
    prediction are made alike. "ridge" is `sklearn.linear_model.RidgeCV`, "forest" a random forest of 300 trees.

    Cost: one fit for each task.

    Raises InputError with fewer than three tasks, an unknown estimator, features of another shape, no scikit-learn.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import Results
        >>> from lin_ft.selectors import learned_ranking, rank_features
        >>> truth = np.random.default_rng(0).uniform(0.3, 0.7, (1, 6, 5))
        >>> results = Results(tuple("abcde"), tuple("stuvwx"), truth, "a")
        >>> learned_ranking(results, rank_features({"logme": truth})).shape
        (1, 6, 5)
    """
    n_seeds, n_tasks, n_models = results.accuracy.shape
    if n_tasks < 3:
        raise InputError(
            f"A learned ranking needs at least 3 tasks, one to rank and two to learn from; there are {n_tasks}."
        )
    if features is None:
        features = np.zeros((n_seeds, n_tasks, n_models, 0))
    if features.shape[:3] != results.accuracy.shape:
        raise InputError(f"features {features.shape}: give one row for each of {results.accuracy.shape} results.")
    places = _centred_ranks(results.accuracy)
    known = np.isfinite(results.accuracy)
    predicted = np.full(results.accuracy.shape, np.nan)
    for left_out in range(n_tasks):
        others = [t for t in range(n_tasks) if t != left_out]
        rows, targets = [], []
        for t in others:
            elsewhere = _mean_rank(places, known, [o for o in others if o != t])
            x = _rows(features[:, t], elsewhere)
            rows.append(x[known[:, t].reshape(-1)])
            targets.append(places[:, t].reshape(-1)[known[:, t].reshape(-1)])
        model = _estimator(estimator, seed)
        model.fit(np.concatenate(rows), np.concatenate(targets))
        x = _rows(features[:, left_out], _mean_rank(places, known, others))
        predicted[:, left_out] = model.predict(x).reshape(n_seeds, n_models)
    return predicted


def _centred_ranks(values: Float[np.ndarray, "S T M"]) -> Float[np.ndarray, "S T M"]:
    ranks = np.zeros(values.shape)
    for s, t in np.ndindex(*values.shape[:2]):
        kept = np.isfinite(values[s, t])
        if kept.sum() > 1:
            ranks[s, t, kept] = 2 * (rankdata(values[s, t, kept]) - 1) / (kept.sum() - 1) - 1
    return ranks


def _mean_rank(places: np.ndarray, known: np.ndarray, tasks: Sequence[int]) -> Float[np.ndarray, " M"]:
    """Over seeds and these tasks; 0 for a model measured on none of them."""
    chosen, count = places[:, list(tasks)], known[:, list(tasks)].sum(axis=(0, 1))
    return (chosen.sum(axis=(0, 1)) / np.maximum(count, 1)).round(12)  # equal means stay tied


def _rows(features: Float[np.ndarray, "S M F"], elsewhere: Float[np.ndarray, " M"]) -> Float[np.ndarray, "n f"]:
    n_seeds, n_models, n_features = features.shape
    static = np.broadcast_to(elsewhere[None, :, None], (n_seeds, n_models, 1))
    return np.concatenate([features, static], axis=-1).reshape(n_seeds * n_models, n_features + 1)


def _estimator(name: str, seed: int) -> Any:
    try:
        from sklearn.ensemble import RandomForestRegressor
        from sklearn.linear_model import RidgeCV
    except ImportError as error:
        raise InputError("scikit-learn is not installed; pip install 'lin-ft[selectors]'.") from error
    if name == "ridge":
        return RidgeCV(alphas=np.logspace(-3, 3, 13))
    if name == "forest":
        return RandomForestRegressor(300, min_samples_leaf=5, random_state=seed, n_jobs=1)
    raise InputError(f"estimator {name!r}: unknown; one of {', '.join(ESTIMATORS)}.")
