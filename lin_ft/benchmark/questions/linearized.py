"""Is the linearized network, trained for real, as good as the real one?"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lin_ft.benchmark.correlation import spearman
from lin_ft.benchmark.questions.answer import Answer, points, verdict, with_interval
from lin_ft.benchmark.questions.gain import mean_of_models
from lin_ft.benchmark.resampling import mean, over_tasks
from lin_ft.benchmark.results import Results


def linearized_against_real(real: Mapping[float, Results], linearized: Mapping[float, Results]) -> Answer | None:
    """Accuracies of the linearized network against the real one, by learning rate and by model.

    On the models and tasks that both have, and as many of the first draws.
    """
    numbers: dict[str, Any] = {}
    parts, of_models, size = [], [], ""
    for rate in sorted(real.keys() & linearized.keys()):
        left, right = real[rate], linearized[rate]
        names = [model for model in left.models if model in right.models]
        tasks = [task for task in left.tasks if task in right.tasks]
        if not names or not tasks:
            continue
        n_draws = min(len(left.accuracy), len(right.accuracy))
        of_left, of_right = (
            results.take(tasks).accuracy[:n_draws, :, [results.models.index(name) for name in names]]
            for results in (left, right)
        )
        difference = of_right - of_left
        order = [
            [spearman(one, other) for one, other in zip(rows, others, strict=True)]
            for rows, others in zip(of_right, of_left, strict=True)
        ]
        size = f"{len(names)} models, {len(tasks)} tasks, {n_draws} draw{'s' if n_draws > 1 else ''}"
        gap, agreement = over_tasks(mean_of_models(difference)), over_tasks(np.asarray(order))
        models = {m: mean(difference[:, :, place]) for place, m in enumerate(names)}
        numbers[f"{rate:g}"] = {"difference": gap, "spearman": agreement, "models": models}
        of_models.append(models)
        parts.append(f"at rate {rate:g} {points(gap)} points, order of the models {with_interval(agreement)}")
    if not parts:
        return None
    by_model = {name: float(np.mean([models[name] for models in of_models])) for name in of_models[0]}
    worst, best = min(by_model, key=lambda n: by_model[n]), max(by_model, key=lambda n: by_model[n])
    sentence = f"Linearized minus real, {size}: {'; '.join(parts)}."
    sentence += f" Least for {worst} ({100 * by_model[worst]:+.1f}), most for {best} ({100 * by_model[best]:+.1f})."
    verdicts = {verdict(row["difference"], "better", "worse") for row in numbers.values()}
    return Answer(
        slug="linearized",
        question="Is the linearized network as good as the real one?",
        verdict=" or ".join(sorted(verdicts)),
        sentence=sentence,
        numbers=numbers,
    )
