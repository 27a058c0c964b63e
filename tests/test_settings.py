"""--set: any field by its name and type, and one sentence for what is none."""

import dataclasses
from pathlib import Path
from typing import Literal

import pytest

from lin_ft.benchmark.config import BenchConfig
from lin_ft.commands.finetune import Finetune
from lin_ft.commands.settings import changed, divided
from lin_ft.errors import InputError
from lin_ft.finetune import FinetuneConfig

BENCH = BenchConfig("a", ("t",))


@dataclasses.dataclass(frozen=True)
class Kinds:
    count: int = 1
    rate: float = 0.5
    on: bool = False
    name: str = "x"
    path: Path | None = None
    choice: Literal["a", "b"] = "a"
    shots: int | Literal["all"] = 3
    rates: tuple[float, ...] = ()
    names: tuple[str, ...] = ("n",)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("count=3", 3), ("rate=1e-3", 1e-3), ("on=true", True), ("name=a b", "a b"), ("path=x/y", Path("x/y")),
        ("path=none", None), ("choice=b", "b"), ("shots=all", "all"), ("shots=7", 7), ("rates=0.1,2", (0.1, 2.0)),
        ("rates=(0.1,)", (0.1,)), ("names=p,q", ("p", "q")), ("names=", ()),
    ],
)  # fmt: skip
def test_values_of_every_kind(setting, value):
    assert getattr(changed(Kinds(), [setting]), setting.partition("=")[0]) == value


def test_fields_inside_fields_and_prefixes():
    config = changed(BENCH, ["finetune.momentum=0.8", "bench.shots=5,10", "finetune.learning-rates=0.1"], "bench")
    assert config == dataclasses.replace(
        BENCH, shots=(5, 10), finetune=FinetuneConfig(momentum=0.8, learning_rates=(0.1,))
    )
    assert divided(["probes=4", "finetune.steps=3"], "finetune") == (["probes=4"], ["steps=3"])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("colour=red", "there is no colour; one of name, tasks"),
        ("finetune.colour=red", "there is no colour; one of steps"),
        ("finetune=3", "finetune is a group"),
        ("shots.x=3", "shots is no group"),
        ("shots", "give NAME=VALUE"),
        ("shots=ten", "'ten' is no list of whole numbers, joined by commas"),
        ("finetune.momentum=fast", "'fast' is no number"),
        ("finetune.flip=1", "is no truth value"),
        ("finetune.loss=hinge", "is no one of cross_entropy, squared"),
        ("finetune.steps=0", "steps 0"),
        ("max_test=0", "max_test: 0 is below 1"),
    ],
)
def test_bad_settings_are_one_sentence(setting, message):
    with pytest.raises(InputError, match=message):
        changed(BENCH, [setting])


def test_every_field_of_the_configuration_is_an_option_of_finetune(capsys):
    import tyro

    with pytest.raises(SystemExit):
        tyro.cli(Finetune, args=["--help"], config=(tyro.conf.OmitArgPrefixes,))
    shown = capsys.readouterr().out
    for field in dataclasses.fields(FinetuneConfig):
        assert f"--{field.name.replace('_', '-')}" in shown
    own = {field.name for field in dataclasses.fields(Finetune)}
    assert not own & {field.name for field in dataclasses.fields(FinetuneConfig)}, "declared twice"


def test_bench_takes_them_on_the_command_line(capsys):
    from lin_ft import cli

    config = Path(__file__).parents[1] / "configs" / "bench_core.py"
    command = ["bench", "plan", str(config), "--set", "shots=5,10,20", "seeds=0", "finetune.steps=10"]
    assert cli.main(command) == 0
    assert "x 3 shots x 1 seeds" in capsys.readouterr().out
    assert cli.main([*command, "finetune.momentum=2"]) == 2
    assert "momentum 2.0" in capsys.readouterr().err
