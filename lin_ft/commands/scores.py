"""`lin-ft scores`: list, info."""

from dataclasses import dataclass
from typing import Annotated

import tyro

from lin_ft.commands.tables import print_fields, print_table
from lin_ft.errors import InputError


@dataclass(frozen=True)
class ScoresList:
    """List the scores."""

    def run(self) -> None:
        from lin_ft.scores import SCORES

        rows = [
            {"name": name, "formula": score.formula, "paper": score.paper, "needs": ", ".join(score.needs)}
            for name, score in SCORES.items()
        ]
        print_table("scores: the larger, the better (a function of your own: --score file.py:function)", rows)


@dataclass(frozen=True)
class ScoresInfo:
    """Say what a score is: formula, paper, range, cost."""

    name: Annotated[str, tyro.conf.Positional]
    """A score, as `lin-ft scores list` names it."""

    def run(self) -> None:
        import inspect

        from lin_ft.scores import chosen

        if self.name == "all":
            raise InputError("score 'all': give one name; `lin-ft scores list` lists them.")
        (score,) = chosen([self.name]).values()
        fields = {name: getattr(score, name) for name in ("formula", "paper", "range", "cost", "needs")}
        print_fields({"name": self.name, **fields, "higher is": "better"})
        print("\n" + (inspect.getdoc(getattr(score.function, "func", score.function)) or ""))


@dataclass(frozen=True)
class ScoresInputs:
    """List what a score may ask for, by the names of its parameters."""

    def run(self) -> None:
        from lin_ft.scores import INPUTS

        rows = [{"parameter": name, "meaning": meaning} for name, meaning in INPUTS.items()]
        print_table("inputs of scores: n training images, C classes, d features, Z source classes", rows)


@dataclass(frozen=True)
class Scores:
    """Scores that rank models: list, info, inputs."""

    action: (
        Annotated[ScoresList, tyro.conf.subcommand("list")]
        | Annotated[ScoresInfo, tyro.conf.subcommand("info")]
        | Annotated[ScoresInputs, tyro.conf.subcommand("inputs")]
    )

    def run(self) -> None:
        self.action.run()
