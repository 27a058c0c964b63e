"""Does a zoo beat the reference model, and by how much?"""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from lin_ft.benchmark.evidence import Evidence
from lin_ft.benchmark.questions.answer import Answer, points, verdict
from lin_ft.benchmark.questions.names import DEFAULT, PREDICTION, named
from lin_ft.benchmark.resampling import mean, of_tasks, over_tasks
from lin_ft.benchmark.results import Results
from lin_ft.benchmark.selection import gain_curve
from lin_ft.benchmark.static import FINE_TUNED, is_blind
from lin_ft.benchmark.truth import of_other_draws

CURVES = 5
"""Scores in the figure of gains, beside the rankings that are blind to the target."""


def does_a_zoo_help(evidence: Evidence) -> Answer:
    """Gain over the reference of the best model in each draw, and of the one that is best in the other draws.

    Luck flatters the first; the second is measured in this draw, where it was not chosen.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import Evidence, Judge, Results
        >>> from lin_ft.benchmark.questions import does_a_zoo_help
        >>> truth = np.random.default_rng(0).uniform(0.3, 0.7, (6, 5))
        >>> results = Results(tuple("abcde"), tuple("stuvwx"), np.stack([truth, truth + 0.01]), "a")
        >>> evidence = Evidence("simulated", Judge(results, {"logme": results.accuracy}), development=("s", "t", "u"))
        >>> does_a_zoo_help(evidence).verdict
        'chosen on other draws: gains'
    """
    results = evidence.results
    accuracy, reference = results.accuracy, results.reference_accuracy
    lucky = best_of_models(accuracy) - reference
    numbers: dict[str, Any] = {"best": over_tasks(lucky)}
    sentence = f"With hindsight the best model of the zoo gains {points(numbers['best'])} points over"
    sentence += f" {results.reference}"
    honest = lucky
    if evidence.n_draws > 1:
        honest = chosen_by_others(results)
        numbers["best of the other draws"] = over_tasks(honest)
        sentence += f"; the one that is best in the other draws {points(numbers['best of the other draws'])}"
    known = of_tasks(honest)
    known = known[np.isfinite(known)]
    numbers["tasks won"] = int((known > 0).sum())
    sentence += f", more than nothing on {numbers['tasks won']} of {len(known)} tasks."
    chosen = [*named(evidence.scores, DEFAULT)[:1], *named(evidence.scores, PREDICTION)[:1]]
    chosen += [name for name in (FINE_TUNED,) if name in evidence.scores]
    for name in chosen:
        one = over_tasks(evidence.of_task("gain_1", name))
        three = over_tasks(evidence.of_task("gain_3", name))
        numbers |= {f"{name}, 1 tried": one, f"{name}, 3 tried": three}
        said = "a fine-tuning on another draw" if name == FINE_TUNED else name
        sentence += f" The first choice by {said} gains {points(one)}, the best of its first three {points(three)}."
    held = numbers.get("best of the other draws", numbers["best"])
    verdicts = [f"chosen on other draws: {verdict(held, 'gains', 'loses')}"]
    for name in named(evidence.scores, DEFAULT)[:1]:
        verdicts.append(f"first choice by {name}: {verdict(numbers[f'{name}, 1 tried'], 'gains', 'loses')}")
    return Answer(
        slug="zoo",
        question="Does a zoo beat the reference model, and by how much?",
        verdict="; ".join(verdicts),
        sentence=sentence,
        numbers=numbers,
        pictures={"gain": lambda path: _draw(evidence, path)},
    )


def chosen_by_others(results: Results) -> Float[np.ndarray, "S T"]:
    """Accuracy, minus the reference's, in each draw of the model that is best in the mean of the others."""
    others, gained = of_other_draws(results).accuracy, np.full(results.accuracy.shape[:2], np.nan)
    for s, t in np.argwhere(np.isfinite(others).any(axis=2)):
        chosen = int(np.nanargmax(others[s, t]))
        gained[s, t] = results.accuracy[s, t, chosen] - results.reference_accuracy[s, t]
    return gained


def best_of_models(accuracy: Float[np.ndarray, "S T M"]) -> Float[np.ndarray, "S T"]:
    """Of the models that have one; NaN where none has."""
    finite = np.isfinite(accuracy)
    return np.where(finite.any(axis=2), np.where(finite, accuracy, -np.inf).max(axis=2), np.nan)


def gains(evidence: Evidence) -> dict[str, Float[np.ndarray, " M"]]:
    """Mean gain in points by number of models tried: of the blind rankings, a fine-tuning and the best scores by area.

    Against the mean of the other draws.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import Evidence, Judge, Results
        >>> from lin_ft.benchmark.questions import gains
        >>> from lin_ft.benchmark.static import fine_tuned
        >>> truth = np.random.default_rng(0).uniform(0.3, 0.7, (6, 5))
        >>> results = Results(tuple("abcde"), tuple("stuvwx"), np.stack([truth, truth + 0.01]), "a")
        >>> scores = {"label_gradient_cka": results.accuracy, "logme": -results.accuracy, **fine_tuned(results)}
        >>> evidence = Evidence("simulated", Judge(results, scores), development=("s", "t", "u"))
        >>> gains(evidence)["label_gradient_cka"].shape
        (5,)
    """
    truth, judge = evidence.judge.truth, evidence.judge
    curves = {}
    for name, values in evidence.scores.items():
        rows = [
            gain_curve(values[draw, t], truth.accuracy[s, t], float(truth.reference_accuracy[s, t]))
            for s, draw in enumerate(judge.draws)
            for t in range(len(truth.tasks))
            if np.isfinite(truth.reference_accuracy[s, t]) and np.isfinite(values[draw, t]).any()
        ]
        if rows:
            curves[name] = 100 * np.mean(rows, axis=0)
    fixed = [name for name in curves if is_blind(name) or name == FINE_TUNED]
    best = sorted((name for name in curves if name not in fixed), key=lambda name: -mean(curves[name]))[:CURVES]
    return {name: curves[name] for name in [*best, *fixed]}


def _draw(evidence: Evidence, path: Path) -> None:
    from lin_ft.report.gain_curve_plot import plot_gain_curves

    results = evidence.results
    plot_gain_curves(
        gains(evidence), path, f"{evidence.title}: {len(results.models)} models, {len(results.tasks)} tasks"
    )
