"""`lin-ft finetune`."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Literal

import tyro

from lin_ft.commands.settings import changed
from lin_ft.commands.tables import console
from lin_ft.commands.zoo_of_name import chosen_zoo, zoo_with
from lin_ft.finetune.config import FinetuneConfig


@dataclass(frozen=True)
class What:
    """What to fine-tune, and on what."""

    target: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="TARGET")]
    """A data set's name, a folder with one sub-folder of images a class, or an .npz file."""
    model: str
    """A zoo entry; 'cifar10' is short for 'cifar10-resnet20'."""
    shots: int | Literal["all"] | None = None
    """Training images a class, or all. Default: 10, or what there is in classes with fewer."""
    zoo: str = ""
    """embedded, multi_domain, packaged, user, a folder, or several with commas. Default: the first that has it."""


@dataclass(frozen=True)
class How(FinetuneConfig):
    """Budget and hyper-parameters.

    Every pair of learning rate and weight decay is tried, the one with the best validation accuracy is tested.
    """

    def __post_init__(self):
        """Nothing is checked before the whole command line is read; see `checked`."""

    def checked(self) -> FinetuneConfig:
        """The configuration itself, which refuses values out of range."""
        return FinetuneConfig(**{each.name: getattr(self, each.name) for each in fields(FinetuneConfig)})


@dataclass(frozen=True)
class Keep:
    """What to write."""

    json: Path | None = None
    """The result, with the curves of every pair."""
    checkpoint: Path | None = None
    """Folder of checkpoints; the same command again goes on from the last one."""
    checkpoint_every: int = 50
    """Steps between two of them."""


@dataclass(frozen=True)
class Finetune:
    """Fine-tune one model on a task for real, the learning rate by validation."""

    what: What
    how: How = field(default_factory=How)
    keep: Keep = field(default_factory=Keep)
    set: tuple[str, ...] = ()
    """The same options as NAME=VALUE, as `lin-ft bench` takes them: finetune.momentum=0.8."""

    def run(self) -> None:
        from lin_ft.data import load_task
        from lin_ft.finetune import finetune

        what, keep = self.what, self.keep
        config = changed(self.how, self.set, "finetune").checked()
        (model,) = chosen_zoo(what.zoo or zoo_with((what.model,)), (what.model,))
        task = load_task(what.target, shots=what.shots, seed=config.seed)
        result = finetune(
            model, task, config, progress=True, checkpoint=keep.checkpoint, checkpoint_every=keep.checkpoint_every
        )
        chosen = f"learning rate {result.learning_rate:g}"
        if len(config.weight_decays) > 1:
            chosen += f", weight decay {result.weight_decay:g}"
        console().print(
            f"{result.model} on {result.task}: {result.accuracy_text()},"
            f" {chosen} by validation, {result.seconds:.0f} s."
        )
        if keep.json:
            result.save_json(keep.json)
