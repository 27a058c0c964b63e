"""The scores of `lin_ft.scores.SCORES` for one model and task, features and gradients extracted once."""

from collections.abc import Sequence
from typing import Any


def known_scores() -> tuple[str, ...]:
    """Names in the mapping; none while the package has no such mapping."""
    import lin_ft.scores

    return tuple(getattr(lin_ft.scores, "SCORES", {}))


def suite_scores(model: Any, task: Any, names: Sequence[str], seed: int) -> dict[str, float | None]:
    """Score -> value, larger is better; None where a score cannot be had for this model or task."""
    if not names:
        return {}
    raise NotImplementedError
