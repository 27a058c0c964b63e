"""Does the method hold? Each question of the study, answered from the matrix in one sentence with an interval."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from lin_ft.benchmark.correlation import spearman
from lin_ft.benchmark.prediction_error import calibration
from lin_ft.benchmark.resampling import interval, mean, per_task
from lin_ft.benchmark.results import Results, Scores
from lin_ft.benchmark.static import at_random
from lin_ft.benchmark.summary import STATISTICS

LABEL_GRADIENT = "label_gradient"
"""Every score with this in its name is a form of it."""
SAME = ("kernel_target_alignment",)
"""Its cosine form under an older name, no rival."""
PREDICTION = "predicted_accuracy"
DEFAULT = "predicted_decrease"
"""What `lin-ft rank` ranks by."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """`sentence` holds the figures with their intervals; `numbers` the same for machines."""

    question: str
    sentence: str
    numbers: dict[str, Any]


def answers(results: Results, scores: Scores, development: Sequence[str] = ()) -> list[Answer]:
    """The questions that one number of shots can answer. Intervals: 95 % bootstrap over tasks."""
    rows = [does_a_zoo_help(results, scores), is_label_gradient_best(results, scores)]
    rows += [how_many_selections(results, scores), how_close_is_the_gain(results, scores)]
    rows += [does_a_choice_carry_over(results, scores, development)]
    return [row for row in rows if row is not None]


def does_a_zoo_help(results: Results, scores: Scores) -> Answer:
    """Gain of the best model over the reference: the best of each seed, which luck flatters, and the one that is best
    in the other seeds, measured in this one, which it does not."""
    accuracy, reference = results.accuracy, results.reference_accuracy
    lucky = best_of_models(accuracy) - reference
    numbers: dict[str, Any] = {"best": over_tasks(lucky)}
    sentence = f"The best model of the zoo gains {shown(numbers['best'], 100.0)} points over {results.reference}"
    if len(accuracy) > 1:
        honest = np.full(lucky.shape, np.nan)
        for s in range(len(accuracy)):
            others = np.delete(accuracy, s, axis=0)
            for t in range(len(results.tasks)):
                means = np.asarray([mean(column) for column in others[:, t].T])
                if np.isfinite(means).any():
                    honest[s, t] = accuracy[s, t, int(np.nanargmax(means))] - reference[s, t]
        numbers["best of the other seeds"] = over_tasks(honest)
        sentence += f" (chosen by the other seeds: {shown(numbers['best of the other seeds'], 100.0)})"
        lucky = honest
    known = [value for value in (mean(column) for column in lucky.T) if np.isfinite(value)]
    numbers["tasks won"] = sum(value > 0 for value in known)
    sentence += f"; it does so on {numbers['tasks won']} of {len(known)} tasks."
    for name in _named(scores, DEFAULT)[:1] + _named(scores, PREDICTION)[:1]:
        for k in (1, min(3, len(results.models))):
            numbers[f"{name}, {k} tried"] = over_tasks(_of(f"gain_{1 if k == 1 else 3}", results, scores[name]))
            gain = shown(numbers[f"{name}, {k} tried"], 100.0)
            sentence += f" By {name}, the best of the first {k} gains {gain}."
    return Answer("Does a zoo beat the reference model, and by how much?", sentence, numbers)


def is_label_gradient_best(results: Results, scores: Scores) -> Answer | None:
    """Its best form against the best other score, paired by task."""
    table = {name: _of("spearman", results, values) for name, values in scores.items()}
    table = {name: values for name, values in table.items() if np.isfinite(values).any()}
    ours = {name: values for name, values in table.items() if LABEL_GRADIENT in name}
    others = {name: values for name, values in table.items() if LABEL_GRADIENT not in name and name not in SAME}
    if not ours or not others:
        return None
    first = max(ours, key=lambda name: mean(ours[name]))
    second = max(others, key=lambda name: mean(others[name]))
    difference = over_tasks(ours[first] - others[second])
    place = 1 + sum(mean(values) > mean(ours[first]) for values in others.values())
    holds = "Yes" if difference[1] > 0 else "No" if difference[2] < 0 else "Undecided"
    sentence = (
        f"{holds}: its best form, {first}, has Spearman {shown(over_tasks(ours[first]))}, place {place} of"
        f" {len(others) + 1}; the best other, {second}, {shown(over_tasks(others[second]))}; difference"
        f" {shown(difference)}."
    )
    numbers = {first: over_tasks(ours[first]), second: over_tasks(others[second]), "difference": difference}
    return Answer("Is Label-Gradient's rank correlation the highest?", sentence, numbers | {"place": place})


def how_many_selections(results: Results, scores: Scores) -> Answer:
    """Mean number of fine-tunings until the best model is among them."""
    rows = {name: _of("trials_best", results, scores[name]) for name in _leading(results, scores)}
    rows["random order"] = _of("trials_best", results, at_random(results))
    numbers = {name: over_tasks(values) for name, values in rows.items()}
    parts = [f"{name} {shown(value, digits=1)}" for name, value in numbers.items()]
    sentence = f"Fine-tunings until the best of {len(results.models)} models is found: {'; '.join(parts)}."
    return Answer("How many selections reach the best model?", sentence, numbers)


def how_close_is_the_gain(results: Results, scores: Scores) -> Answer | None:
    """Mean absolute error of the predicted gain, beside that of predicting no gain at all."""
    place = results.models.index(results.reference)
    measured = results.accuracy - results.accuracy[:, :, [place]]
    others = np.arange(len(results.models)) != place
    nothing = over_tasks(_mean_of_models(np.abs(measured[:, :, others])))
    numbers: dict[str, Any] = {"predicting no gain": nothing}
    parts = []
    for name in _named(scores, PREDICTION):
        predicted = scores[name] - scores[name][:, :, [place]]
        if np.isfinite(predicted[:, :, others] - measured[:, :, others]).any():
            error = over_tasks(_mean_of_models(np.abs(predicted - measured)[:, :, others]))
            slope = calibration(predicted, measured).slope
            numbers[name] = {"error": error, "slope": slope}
            parts.append(f"{name} is off by {shown(error, 100.0, 1)} points (slope {slope:.2f})")
    if not parts:
        return None
    sentence = f"{'; '.join(parts)}; to predict no gain at all is off by {shown(nothing, 100.0, 1)}."
    return Answer("How close is the predicted gain to the measured one?", sentence, numbers)


def does_a_choice_carry_over(results: Results, scores: Scores, development: Sequence[str]) -> Answer | None:
    """The score that is best on the development tasks, judged on the others."""
    kept = [t for t, task in enumerate(results.tasks) if task not in development]
    tuned = [t for t, task in enumerate(results.tasks) if task in development]
    names = [name for name in scores if "(static)" not in name and name != "random"]
    table = {name: _of("spearman", results, scores[name]) for name in names}
    table = {name: values for name, values in table.items() if np.isfinite(values[:, tuned]).any()} if tuned else {}
    if not kept or not table:
        return None
    chosen = max(table, key=lambda name: mean(table[name][:, tuned]))
    there, here = over_tasks(table[chosen][:, tuned]), over_tasks(table[chosen][:, kept])
    numbers: dict[str, Any] = {"chosen": chosen, "development": there, "kept": here}
    sentence = f"{chosen} is best on the development tasks ({shown(there)}) and reaches {shown(here)} on the others"
    ours = [name for name in table if LABEL_GRADIENT in name]
    if ours and chosen not in ours:
        form = max(ours, key=lambda name: mean(table[name][:, tuned]))
        numbers["difference to " + form] = over_tasks((table[chosen] - table[form])[:, kept])
        difference = shown(numbers["difference to " + form])
        sentence += f", {difference} above {form}, the form of Label-Gradient chosen the same way"
    return Answer("Does the variant chosen on the development half carry over?", sentence + ".", numbers)


def linearized_against_real(real: Mapping[float, Results], linearized: Mapping[float, Results]) -> Answer | None:
    """Accuracies of the linearized network against the real one, by learning rate and by model.

    On the models and tasks that both have, and as many of the first seeds.
    """
    numbers: dict[str, Any] = {}
    parts, of_models, size = [], [], ""
    for rate in sorted(real.keys() & linearized.keys()):
        left, right = real[rate], linearized[rate]
        names = [model for model in left.models if model in right.models]
        tasks = [task for task in left.tasks if task in right.tasks]
        if not names or not tasks:
            continue
        n_seeds = min(len(left.accuracy), len(right.accuracy))
        of_left, of_right = (
            results.take(tasks).accuracy[:n_seeds, :, [results.models.index(name) for name in names]]
            for results in (left, right)
        )
        difference = of_right - of_left
        order = [
            [spearman(one, other) for one, other in zip(rows, others, strict=True)]
            for rows, others in zip(of_right, of_left, strict=True)
        ]
        size = f"{len(names)} models, {len(tasks)} tasks, {n_seeds} seed(s)"
        gap, agreement = over_tasks(_mean_of_models(difference)), over_tasks(np.asarray(order))
        models = {m: mean(difference[:, :, place]) for place, m in enumerate(names)}
        numbers[f"{rate:g}"] = {"difference": gap, "spearman": agreement, "models": models}
        of_models.append(models)
        parts.append(f"at rate {rate:g} {shown(gap, 100.0, 1)} points, order of the models {shown(agreement)}")
    if not parts:
        return None
    by_model = {name: float(np.mean([models[name] for models in of_models])) for name in of_models[0]}
    worst, best = min(by_model, key=lambda n: by_model[n]), max(by_model, key=lambda n: by_model[n])
    sentence = f"Linearized minus real, {size}: {'; '.join(parts)}."
    sentence += f" Least for {worst} ({100 * by_model[worst]:+.1f}), most for {best} ({100 * by_model[best]:+.1f})."
    return Answer("Is the linearized network as good as the real one?", sentence, numbers)


def single_against_multi_domain(
    results: Results, families: Mapping[str, str], sources: Mapping[str, str]
) -> Answer | None:
    """Each multi-domain slice against the single-domain model of the same source, on every task."""
    single = {sources[m]: place for place, m in enumerate(results.models) if families[m] == "single"}
    numbers: dict[str, Any] = {}
    for family in dict.fromkeys(families[m] for m in results.models):
        pairs = [
            (place, single[sources[m]])
            for place, m in enumerate(results.models)
            if families[m] == family != "single" and sources[m] in single
        ]
        if pairs:
            multi, alone = (list(column) for column in zip(*pairs, strict=True))
            difference = results.accuracy[:, :, multi] - results.accuracy[:, :, alone]
            whole = np.isfinite(difference).all(axis=2)
            best = best_of_models(results.accuracy[:, :, multi]) - best_of_models(results.accuracy[:, :, alone])
            best[~whole] = np.nan
            numbers[family] = {"mean": over_tasks(_mean_of_models(difference)), "best": over_tasks(best)}
    if not numbers:
        return None
    parts = [
        f"{family} {shown(row['mean'], 100.0, 1)} points in the mean, {shown(row['best'], 100.0, 1)} for the best"
        for family, row in numbers.items()
    ]
    return Answer(
        "Multi-domain models against single-domain ones of the same sources?", "; ".join(parts) + ".", numbers
    )


def over_tasks(values: Float[np.ndarray, "S T"], *, repeats: int = 2000, seed: int = 0) -> tuple[float, float, float]:
    """Mean over seeds and tasks, and its 95 % bootstrap interval over tasks."""
    of_tasks = np.asarray([mean(column) for column in values.T])
    of_tasks = of_tasks[np.isfinite(of_tasks)]
    if not len(of_tasks):
        return float("nan"), float("nan"), float("nan")
    rng = np.random.default_rng(seed)
    samples = of_tasks[rng.integers(0, len(of_tasks), (repeats, len(of_tasks)))].mean(axis=1)
    return (float(of_tasks.mean()), *interval(samples))


def shown(value: tuple[float, float, float], scale: float = 1.0, digits: int = 2) -> str:
    middle, low, high = (f"{scale * number:.{digits}f}" for number in value)
    return f"{middle} [{low}, {high}]"


def markdown(rows: Sequence[Answer]) -> list[str]:
    lines = []
    for row in rows:
        lines += [f"**{row.question}** {row.sentence}", ""]
    return lines


def _of(statistic: str, results: Results, values: Float[np.ndarray, "S T M"]) -> Float[np.ndarray, "S T"]:
    return per_task(STATISTICS[statistic], results, values)


def _mean_of_models(values: Float[np.ndarray, "S T M"]) -> Float[np.ndarray, "S T"]:
    return np.asarray([[mean(row) for row in of_seed] for of_seed in values], np.float64)


def best_of_models(accuracy: Float[np.ndarray, "S T M"]) -> Float[np.ndarray, "S T"]:
    """Of the models that have one; NaN where none has."""
    finite = np.isfinite(accuracy)
    return np.where(finite.any(axis=2), np.where(finite, accuracy, -np.inf).max(axis=2), np.nan)


def _named(scores: Scores, part: str) -> list[str]:
    return [name for name in scores if part in name and np.isfinite(scores[name]).any()]


def _leading(results: Results, scores: Scores) -> list[str]:
    """The default, and the best form of Label-Gradient and of the predicted accuracy, by mean Spearman."""
    rows = []
    for part in (DEFAULT, PREDICTION, LABEL_GRADIENT):
        names = _named(scores, part)
        if names:
            rows.append(
                max(names, key=lambda name: np.nan_to_num(mean(_of("spearman", results, scores[name])), nan=-2))
            )
    return rows
