"""How close is the predicted gain to the measured one?"""

from typing import Any

import numpy as np
from jaxtyping import Float

from lin_ft.benchmark.evidence import Evidence
from lin_ft.benchmark.prediction_error import calibration
from lin_ft.benchmark.questions.answer import Answer, points, verdict
from lin_ft.benchmark.questions.names import PREDICTION, named
from lin_ft.benchmark.resampling import mean, over_tasks


def how_close_is_the_gain(evidence: Evidence) -> Answer | None:
    """Mean absolute error of the predicted gain, beside that of predicting no gain at all.

    Against each draw's own fine-tuning: a prediction is of what will be measured with these images.
    """
    results, judge = evidence.results, evidence.judge
    place = results.models.index(results.reference)
    measured = judge.own.accuracy - judge.own.accuracy[:, :, [place]]
    others = np.arange(len(results.models)) != place
    of_none = mean_of_models(np.abs(measured[:, :, others]))
    nothing = over_tasks(of_none)
    numbers: dict[str, Any] = {"predicting no gain": nothing}
    lines = ["| prediction | error | bias | slope | error of the gain | slope of the gain |", "| --- |" + " ---: |" * 5]
    parts, nearest = [], None
    for name in named(evidence.scores, PREDICTION):
        values = evidence.scores[name][list(judge.draws)]
        gained = values - values[:, :, [place]]
        errors = mean_of_models(np.abs(gained - measured)[:, :, others])
        if not np.isfinite(errors).any():
            continue
        level, gain = calibration(values, judge.own.accuracy), calibration(gained, measured)
        numbers[name] = {"error": over_tasks(errors), "slope": gain.slope, "level": level.mean_absolute_error}
        parts.append(f"{name} is off by {points(numbers[name]['error'])} points (slope {gain.slope:.2f})")
        lines.append(
            f"| {name} | {100 * level.mean_absolute_error:.1f} | {100 * level.bias:+.1f} | {level.slope:.2f} |"
            f" {points(numbers[name]['error'])} | {gain.slope:.2f} |"
        )
        if nearest is None or mean(errors) < mean(nearest):
            nearest = errors
    if nearest is None:
        return None
    worse = verdict(over_tasks(nearest - of_none), "worse than predicting no gain", "better than predicting no gain")
    sentence = f"{'; '.join(parts)}; to predict no gain at all is off by {points(nothing)}."
    return Answer(
        slug="gain",
        question="How close is the predicted gain to the measured one?",
        verdict=worse,
        sentence=sentence,
        numbers=numbers,
        lines=("Predicted accuracy, and gain over the reference, against the measured ones, in points:", "", *lines),
    )


def mean_of_models(values: Float[np.ndarray, "S T M"]) -> Float[np.ndarray, "S T"]:
    """Of the models that have a value; NaN where none has."""
    return np.asarray([[mean(row) for row in of_draw] for of_draw in values], np.float64)
