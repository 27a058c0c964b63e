"""Does the variant chosen on the development half of the tasks carry over to the rest?"""

from typing import Any

import numpy as np

from lin_ft.benchmark.evidence import Evidence
from lin_ft.benchmark.questions.answer import Answer, verdict, with_interval
from lin_ft.benchmark.questions.names import DEFAULT, is_label_gradient
from lin_ft.benchmark.resampling import mean, over_tasks
from lin_ft.benchmark.static import BASELINES
from lin_ft.benchmark.summary import number

BEST = 8
"""Scores by their development half in the table, beside the default and the baselines."""


def does_a_choice_carry_over(evidence: Evidence) -> Answer | None:
    """The score that is best on the development tasks, judged on the others.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import Evidence, Judge, Results
        >>> from lin_ft.benchmark.questions import does_a_choice_carry_over
        >>> truth = np.random.default_rng(0).uniform(0.3, 0.7, (6, 5))
        >>> results = Results(tuple("abcde"), tuple("stuvwx"), np.stack([truth, truth + 0.01]), "a")
        >>> evidence = Evidence("simulated", Judge(results, {"logme": results.accuracy}), development=("s", "t", "u"))
        >>> does_a_choice_carry_over(evidence).verdict
        'undecided'
    """
    tasks = evidence.results.tasks
    tuned = np.isin(tasks, evidence.development)
    if not tuned.any() or tuned.all():
        return None
    whole = evidence.table("spearman")
    table = {name: whole[name] for name in evidence.targeted if name in whole}
    table = {name: values for name, values in table.items() if np.isfinite(values[tuned]).any()}
    if not table:
        return None
    order = sorted(table, key=lambda name: -mean(table[name][tuned]))
    chosen = order[0]
    there, here = over_tasks(table[chosen][tuned]), over_tasks(table[chosen][~tuned])
    numbers: dict[str, Any] = {"chosen": chosen, "development": there, "kept": here}
    sentence = (
        f"{chosen} is best on the development tasks ({with_interval(there)}) and reaches {with_interval(here)} on the"
        f" others"
    )
    short = "undecided"
    ours = [name for name in order if is_label_gradient(name)]
    if ours and chosen not in ours:
        form = ours[0]
        numbers["difference to " + form] = difference = over_tasks((table[chosen] - table[form])[~tuned])
        sentence += f", {with_interval(difference)} above {form}, the form of Label-Gradient chosen the same way"
        short = verdict(difference, "above Label-Gradient's form", "below Label-Gradient's form")
    return Answer(
        slug="variant",
        question="Does the variant chosen on the development half carry over?",
        verdict=short,
        sentence=sentence + ".",
        numbers=numbers,
        lines=tuple(_halves(evidence, tuned, order)),
    )


def _halves(evidence: Evidence, tuned: np.ndarray, order: list[str]) -> list[str]:
    """Spearman and points lost on each half, of the best on the development half and the rows of every table."""
    names = dict.fromkeys([*order[:BEST], DEFAULT, *BASELINES])
    lines = [
        f"Mean Spearman on the {tuned.sum()} development tasks and on the {(~tuned).sum()} others, and points lost"
    ]
    lines[0] += " by fine-tuning the first only:"
    lines += ["", "| score | development | others | lost, development | lost, others |", "| --- |" + " ---: |" * 4]
    for name in names:
        if name in evidence.scores:
            values, lost = evidence.of_task("spearman", name), evidence.of_task("regret_1", name)
            cells = [with_interval(over_tasks(values[half])) for half in (tuned, ~tuned)]
            cells += [number(mean(lost[half]), "regret_1") for half in (tuned, ~tuned)]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines
