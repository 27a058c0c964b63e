"""The zoo that a command works on."""

from collections.abc import Sequence


def chosen_zoo(name: str, models: Sequence[str]):
    """The named zoo, cut to `models` where some are given; the reference stays in when it is there."""
    from lin_ft.zoo import named_zoo, select_models

    zoo = named_zoo(name)
    return select_models(zoo, models) if models else zoo
