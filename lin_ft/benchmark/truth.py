"""The truth that scores are held against: fine-tuned accuracy, averaged over draws of the few-shot sample.

One fine-tuning is a noisy measurement of what a model is worth on a task: it depends on which images were drawn and on
the order of training. A score that saw draw s is therefore held against the mean of the **other** draws. Why not all of
them: that mean would share the noise of draw s with whatever was computed from it, and a real fine-tuning, which is a
row of every table, would be held against itself. A score never sees a test result, and what it learns of the images of
its own draw is rightly its own; the accuracy of that same draw is the "one draw" figure that stands beside the mean.
"""

import dataclasses

import numpy as np
from jaxtyping import Bool, Float

from lin_ft.benchmark.results import Results


def expected_accuracy(accuracy: Float[np.ndarray, "S M"]) -> Float[np.ndarray, " M"]:
    """Mean over the draws of one task, what all models share in a draw taken out where results are missing.

    Least squares of accuracy[s, m] = mean + draw[s] + model[m], the draws' effects averaging 0: without gaps the plain
    mean over draws. A model that lacks the harder draw is thus not flattered. NaN for a model without a result, or
    without a draw in common with the others.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import expected_accuracy
        >>> accuracy = np.array([[0.6, 0.7, np.nan], [0.5, 0.6, 0.4]])  # the third model lacks the easier draw
        >>> expected_accuracy(accuracy).round(3)
        array([0.55, 0.65, 0.45])
    """
    present = np.isfinite(accuracy)
    used = present.any(axis=1)
    if present[used].all():
        return accuracy[used].mean(axis=0) if used.any() else np.full(accuracy.shape[1], np.nan)
    draws, models = _joined(present)
    values, known = accuracy[np.ix_(draws, models)], present[np.ix_(draws, models)]
    s, m = np.nonzero(known)
    design = np.zeros((len(s) + 1, len(draws) + len(models)))
    design[np.arange(len(s)), s] = 1.0
    design[np.arange(len(s)), len(draws) + m] = 1.0
    design[-1, : len(draws)] = 1.0  # the draws' effects sum to 0
    effects = np.linalg.lstsq(design, np.append(values[known], 0.0), rcond=None)[0]
    means = np.full(accuracy.shape[1], np.nan)
    means[models] = effects[len(draws) :]
    return means


def of_other_draws(results: Results) -> Results:
    """In the place of draw s the expected accuracies from all draws but s; NaN where there is no other.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import Results, of_other_draws
        >>> truth = np.random.default_rng(0).uniform(0.3, 0.7, (6, 5))
        >>> results = Results(tuple("abcde"), tuple("stuvwx"), np.stack([truth, truth]), "a")  # two draws of six tasks
        >>> bool(np.allclose(of_other_draws(results).accuracy, results.accuracy))  # draws without noise
        True
    """
    truth = np.full(results.accuracy.shape, np.nan)
    for s, t in np.ndindex(*truth.shape[:2]):
        truth[s, t] = expected_accuracy(np.delete(results.accuracy[:, t], s, axis=0)).clip(0, 1)
    return dataclasses.replace(results, accuracy=truth)


def of_all_draws(results: Results) -> Float[np.ndarray, "T M"]:
    """Expected accuracies from all draws: for what no score is held against, such as a table of the measurements."""
    return np.stack([expected_accuracy(results.accuracy[:, t]).clip(0, 1) for t in range(len(results.tasks))])


def _joined(present: Bool[np.ndarray, "S M"]) -> tuple[np.ndarray, np.ndarray]:
    """Draws and models that are linked, through models in common, to the draw with most results."""
    draws = np.zeros(len(present), bool)
    draws[int(present.sum(axis=1).argmax())] = True
    while True:
        models = present[draws].any(axis=0)
        more = present[:, models].any(axis=1)
        if (more == draws).all():
            return np.flatnonzero(draws), np.flatnonzero(models)
        draws = more
