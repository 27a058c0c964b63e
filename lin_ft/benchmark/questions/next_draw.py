"""Is the best model of one draw the best of the next?"""

from typing import Any

import numpy as np
from jaxtyping import Float

from lin_ft.benchmark.evidence import Evidence
from lin_ft.benchmark.questions.answer import Answer, by_task, points, with_interval
from lin_ft.benchmark.resampling import of_tasks, over_tasks
from lin_ft.benchmark.results import Results
from lin_ft.benchmark.static import FINE_TUNED


def is_the_best_best_again(evidence: Evidence) -> Answer | None:
    """How often, how far behind it is, and how well a whole fine-tuning predicts the next.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import Evidence, Judge, Results
        >>> from lin_ft.benchmark.questions import is_the_best_best_again
        >>> from lin_ft.benchmark.static import fine_tuned
        >>> truth = np.random.default_rng(0).uniform(0.3, 0.7, (6, 5))
        >>> results = Results(tuple("abcde"), tuple("stuvwx"), np.stack([truth, truth + 0.01]), "a")
        >>> scores = {"label_gradient_cka": results.accuracy, "logme": -results.accuracy, **fine_tuned(results)}
        >>> evidence = Evidence("simulated", Judge(results, scores), development=("s", "t", "u"))
        >>> is_the_best_best_again(evidence).verdict
        'more often than not'
    """
    if evidence.n_draws < 2:
        return None
    results = evidence.results
    again, among_three = (of_tasks(best_again(results, k)) for k in (1, min(3, len(results.models))))
    judge = evidence.judge
    lost = {
        "one": judge.of_task("regret_1", FINE_TUNED, "one draw"),
        "mean": judge.of_task("regret_1", FINE_TUNED),
        "three": judge.of_task("regret_3", FINE_TUNED),
    }
    shares = over_tasks(again), over_tasks(among_three)
    chance = 1 / len(results.models)
    numbers: dict[str, Any] = {"best again": shares[0], "among three": shares[1], "chance": chance}
    numbers |= {"lost in the next draw": over_tasks(lost["one"]), "lost in the mean": over_tasks(lost["mean"])}
    numbers |= {"lost by three": over_tasks(lost["three"])}
    sentence = (
        f"The best model of one draw is the best of another in {with_interval(shares[0], 100.0, 0)} % of the pairs of"
        f" draws (chance {100 * chance:.0f} %), and among its best {min(3, len(results.models))} in"
        f" {with_interval(shares[1], 100.0, 0)} %. It is {points(numbers['lost in the next draw'])} points behind the"
        f" best of the other draw, and {points(numbers['lost in the mean'])} behind the best of the mean of the others:"
        f" that is what fine-tuning every model once, on other images, loses as a way to choose."
    )
    half = "more often than not" if shares[0][1] > 0.5 else "seldom" if shares[0][2] < 0.5 else "about half the time"
    columns = {
        "best again": again,
        "among the best three": among_three,
        "points behind, next draw": lost["one"],
        "points behind, mean of the others": lost["mean"],
    }
    kinds = {name: "regret_1" for name in columns if name.startswith("points")}
    return Answer(
        slug="next_draw",
        question="Is the best model of one draw the best of the next?",
        verdict=half,
        sentence=sentence,
        numbers=numbers,
        lines=("Shares of the pairs of draws, and points of accuracy:", "", *by_task(results.tasks, columns, kinds)),
    )


def best_again(results: Results, k: int) -> Float[np.ndarray, "P T"]:
    """For every ordered pair of draws: is the first's best model among the second's best k? Ties count in part.

    Of the models that both draws have; the share of tied bests that are there.
    """
    accuracy = results.accuracy
    n_draws, n_tasks, _ = accuracy.shape
    shares = []
    for first in range(n_draws):
        for second in range(n_draws):
            if first == second:
                continue
            row = np.full(n_tasks, np.nan)
            for t in range(n_tasks):
                both = np.isfinite(accuracy[first, t]) & np.isfinite(accuracy[second, t])
                if both.sum() > 1:
                    row[t] = _share(accuracy[first, t, both], accuracy[second, t, both], k)
            shares.append(row)
    return np.asarray(shares)


def _share(first: Float[np.ndarray, " M"], second: Float[np.ndarray, " M"], k: int) -> float:
    """P(a best model of the first is among the best k of the second, ties of the second broken at random)."""
    chances = []
    for model in np.flatnonzero(first == first.max()):
        above, tied = int((second > second[model]).sum()), int((second == second[model]).sum())
        chances.append(min(max(k - above, 0) / tied, 1.0))
    return float(np.mean(chances))
