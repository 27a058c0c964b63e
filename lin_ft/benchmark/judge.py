"""Every score of one matrix against what fine-tuning measured: the mean of the other draws, and its own draw beside it.

Which truth: see lin_ft.benchmark.truth.
"""

import dataclasses
import functools
from typing import Literal

import numpy as np
from jaxtyping import Float

from lin_ft.benchmark.architectures import by_architecture
from lin_ft.benchmark.resampling import Statistic, of_tasks, per_task
from lin_ft.benchmark.results import Results, Scores, check_scores
from lin_ft.benchmark.static import FINE_TUNED
from lin_ft.benchmark.statistics import STATISTICS
from lin_ft.benchmark.truth import of_other_draws
from lin_ft.errors import InputError

Against = Literal["mean", "one draw", "another draw"]
"""The mean of the other draws, the fine-tuning of the score's own draw, that of each other one in turn."""


@dataclasses.dataclass(frozen=True, eq=False)
class Judge:
    """Statistics of every score by task, each computed once.

    Raises InputError when a score's array does not match the results.
    """

    results: Results
    """Accuracies of every draw."""
    scores: Scores

    def __post_init__(self):
        check_scores(self.results, self.scores)

    @functools.cached_property
    def draws(self) -> tuple[int, ...]:
        """Places of the draws on which a score was computed; all where none depends on the draw.

        Rankings that are the same in every draw are judged on these too, so that all rows face the same truths.
        """
        scored = np.zeros(len(self.results.accuracy), bool)
        for name, values in self.scores.items():
            if name != FINE_TUNED and not np.array_equal(values, np.broadcast_to(values[:1], values.shape), True):
                scored |= np.isfinite(values).any(axis=(1, 2))
        return tuple(np.flatnonzero(scored if scored.any() else np.ones_like(scored)).tolist())

    @property
    def n_others(self) -> int:
        """Draws in the mean that a score is held against; 0 with one draw, where that is all there is."""
        return len(self.results.accuracy) - 1

    @functools.cached_property
    def truth(self) -> Results:
        """The mean of the other draws, in the place of each judged draw; with one draw the draw itself."""
        whole = of_other_draws(self.results) if self.n_others else self.results
        return dataclasses.replace(whole, accuracy=whole.accuracy[list(self.draws)])

    @functools.cached_property
    def own(self) -> Results:
        """The judged draws themselves."""
        return dataclasses.replace(self.results, accuracy=self.results.accuracy[list(self.draws)])

    def of_task(self, statistic: str, score: str, against: Against = "mean") -> Float[np.ndarray, " T"]:
        """Mean over the judged draws; NaN where undefined."""
        if statistic not in self.statistics:
            raise InputError(f"Unknown statistic {statistic}; known are {', '.join(self.statistics)}.")
        key = statistic, score, against
        if key not in self._known:
            self._known[key] = self._of_task(self.statistics[statistic], score, against)
        return self._known[key]

    def table(self, statistic: str, against: Against = "mean", *, sign: float = 1.0) -> dict[str, np.ndarray]:
        """Of all scores for which it is defined somewhere; `sign` -1 makes less of a regret larger."""
        rows = {name: self.of_task(statistic, name, against) for name in self.scores}
        return {name: sign * values for name, values in rows.items() if np.isfinite(values).any()}

    @functools.cached_property
    def statistics(self) -> dict[str, Statistic]:
        """Name -> statistic: those of every matrix, and those within and across architectures where it has several."""
        return {**STATISTICS, **by_architecture(self.results)}

    @functools.cached_property
    def _known(self) -> dict[tuple[str, str, str], np.ndarray]:
        return {}

    def _of_task(self, statistic: Statistic, score: str, against: Against) -> Float[np.ndarray, " T"]:
        if against == "another draw" or (against == "one draw" and score == FINE_TUNED):
            return self._of_another_draw(statistic, score)
        values = self.scores[score][list(self.draws)]
        return of_tasks(per_task(statistic, self.truth if against == "mean" else self.own, values))

    def _of_another_draw(self, statistic: Statistic, score: str) -> Float[np.ndarray, " T"]:
        """Mean over all pairs of a judged draw, or for a fine-tuning any, and another one."""
        values = self.scores[score]
        if score != FINE_TUNED:
            values = np.full(values.shape, np.nan)
            values[list(self.draws)] = self.scores[score][list(self.draws)]
        n_draws, n_tasks = len(values), len(self.results.tasks)
        shifted = [per_task(statistic, self.results, np.roll(values, shift, axis=0)) for shift in range(1, n_draws)]
        return of_tasks(np.concatenate(shifted)) if shifted else np.full(n_tasks, np.nan)
