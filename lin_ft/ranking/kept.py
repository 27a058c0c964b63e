"""What a kept ranking was made of, and whether that is still so."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from lin_ft.data import Task
from lin_ft.data.identity import images_digest
from lin_ft.provenance import provenance
from lin_ft.ranking.config import RankConfig
from lin_ft.ranking.result import Ranking
from lin_ft.zoo import ZooModel
from lin_ft.zoo.identity import card_digest

LOOKS = ("details", "curve")
"""Fields of RankConfig that change no row."""


def made_of(zoo: Sequence[ZooModel], task: Task, config: RankConfig) -> dict[str, Any]:
    """Digests of the training images with their labels and of each model's weights and card, and all settings.

    With commit, versions and device; JSON types.

    Examples:
        >>> import lin_ft
        >>> task = lin_ft.load_task("optdigits", shots=2, seed=0)
        >>> zoo = lin_ft.embedded_zoo()[:2]
        >>> from lin_ft.ranking import made_of
        >>> sorted(made_of(zoo, task, lin_ft.RankConfig()))
        ['by', 'images', 'models', 'settings']
    """
    settings = {name: _plain(value) for name, value in dataclasses.asdict(config).items() if name not in LOOKS}
    return {
        "images": images_digest(task.n_classes, task.train),
        "models": {model.name: _of_model(model) for model in zoo},
        "settings": settings,
        "by": provenance(),
    }


def outdated(
    ranking: Ranking, zoo: Sequence[ZooModel], task: Task | None = None, config: RankConfig | None = None
) -> tuple[str, ...]:
    """Why a kept ranking is not what these models would give on this task today; nothing where it is.

    Models of the ranking that are not in `zoo` are named; the task and the settings are compared where they are given.

    Examples:
        >>> import lin_ft
        >>> task = lin_ft.load_task("optdigits", shots=2, seed=0)
        >>> zoo = lin_ft.embedded_zoo()[:2]
        >>> from lin_ft.ranking import outdated
        >>> config = lin_ft.RankConfig(head="zero")
        >>> ranking = lin_ft.rank(zoo, task, config)
        >>> outdated(ranking, zoo, task, config), len(outdated(ranking, zoo, lin_ft.load_task("optdigits", shots=3)))
        ((), 1)
    """
    kept = ranking.made_of
    if not kept:
        return ("it does not say what it was made of",)
    now = {model.name: model for model in zoo}
    names = [row.name for row in ranking.models if row.name in kept["models"]]
    absent = [name for name in names if name not in now]
    other: dict[str, list[str]] = {"weights": [], "card": []}
    for name in names:
        for what, value in _of_model(now[name]).items() if name in now else ():
            if kept["models"][name][what] != value:
                other[what].append(name)
    reasons = [f"{', '.join(absent)} not there"] if absent else []
    for what, told in (("weights", "other weights"), ("card", "another normalisation or other network options")):
        reasons += [f"{told} of {', '.join(other[what])}"] if other[what] else []
    if task is not None and images_digest(task.n_classes, task.train) != kept["images"]:
        reasons.append("other training images or labels")
    if config is not None:
        settings = {name: _plain(value) for name, value in dataclasses.asdict(config).items() if name not in LOOKS}
        differ = sorted(name for name, value in settings.items() if kept["settings"].get(name) != value)
        reasons += [f"another {', '.join(differ)}"] if differ else []
    return tuple(reasons)


def _of_model(model: ZooModel) -> dict[str, str]:
    return {"weights": model.weights_digest[:16], "card": card_digest(model.card)}


def _plain(value: Any) -> Any:
    """As JSON has it, which knows neither tuples nor infinity."""
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return "inf" if isinstance(value, float) and math.isinf(value) else value
