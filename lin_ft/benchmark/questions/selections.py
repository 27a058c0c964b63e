"""How many selections reach the best model?"""

from pathlib import Path

import numpy as np

from lin_ft.benchmark.evidence import Evidence
from lin_ft.benchmark.questions.answer import Answer, verdict, with_interval
from lin_ft.benchmark.questions.names import DEFAULT, PREDICTION, is_label_gradient, named
from lin_ft.benchmark.resampling import INTERVAL, mean, over_tasks
from lin_ft.benchmark.static import BASELINES, BEST_ON_AVERAGE, FINE_TUNED, RANDOM


def how_many_selections(evidence: Evidence) -> Answer | None:
    """Mean number of fine-tunings, in the order of a score, until the best model is among them.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import Evidence, Judge, Results
        >>> from lin_ft.benchmark.questions import how_many_selections
        >>> from lin_ft.benchmark.static import fine_tuned
        >>> truth = np.random.default_rng(0).uniform(0.3, 0.7, (6, 5))
        >>> results = Results(tuple("abcde"), tuple("stuvwx"), np.stack([truth, truth + 0.01]), "a")
        >>> scores = {"label_gradient_cka": results.accuracy, "logme": -results.accuracy, **fine_tuned(results)}
        >>> evidence = Evidence("simulated", Judge(results, scores), development=("s", "t", "u"))
        >>> how_many_selections(evidence).verdict
        'undecided'
    """
    leading = [
        *_leading(evidence),
        *(name for name in (BEST_ON_AVERAGE, FINE_TUNED, RANDOM) if name in evidence.scores),
    ]
    rows = {name: evidence.of_task("trials_best", name) for name in dict.fromkeys(leading)}
    rows = {name: values for name, values in rows.items() if np.isfinite(values).any()}
    if not rows:
        return None
    numbers = {name: over_tasks(values) for name, values in rows.items()}
    parts = [f"{name} {with_interval(value, digits=1)}" for name, value in numbers.items()]
    sentence = f"Fine-tunings until the best of {len(evidence.results.models)} models is found: {'; '.join(parts)}."
    short = ""
    if DEFAULT in rows and RANDOM in rows:
        saved = over_tasks(rows[RANDOM] - rows[DEFAULT])
        short = verdict(saved, "fewer than at random", "more than at random")
        sentence += f" By {DEFAULT} that is {with_interval(saved, digits=1)} fewer than in random order."
    return Answer(
        slug="selections",
        question="How many selections reach the best model?",
        verdict=short or "undecided",
        sentence=sentence,
        numbers=numbers,
        pictures={"trials": lambda path: _draw(evidence, path)},
    )


def _leading(evidence: Evidence) -> list[str]:
    """The default, and the best form of Label-Gradient and of the predicted accuracy, by mean Spearman."""
    rows = []
    gradients = [name for name in evidence.targeted if is_label_gradient(name)]
    for names in (named(evidence.scores, DEFAULT), named(evidence.scores, PREDICTION), gradients):
        if names:
            rows.append(max(names, key=lambda name: np.nan_to_num(mean(evidence.of_task("spearman", name)), nan=-2)))
    return rows


def _draw(evidence: Evidence, path: Path, n_scores: int = 18) -> None:
    """The scores that need fewest, and the baselines."""
    from lin_ft.report.interval_plot import plot_intervals

    table = evidence.table("trials_best")
    fewest = sorted((name for name in table if name in evidence.targeted), key=lambda name: mean(table[name]))
    names = dict.fromkeys([*fewest[:n_scores], *(name for name in BASELINES if name in table)])
    dots = {name: over_tasks(table[name]) for name in names}
    label = f"fine-tunings until the best of {len(evidence.results.models)} models is found\n{INTERVAL}"
    plot_intervals(dots, path, label=label, title=evidence.title, least_first=True, digits=1)
