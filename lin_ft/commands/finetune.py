"""`lin-ft finetune`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lin_ft.commands.zoo_of_name import chosen_zoo


@dataclass(frozen=True)
class Finetune:
    """Fine-tune one model on a task for real; learning rate and weight decay chosen on validation."""

    model: str
    """A zoo entry; 'cifar10' is short for 'cifar10-resnet20'."""
    target: str
    """A data set's name, a folder with one sub-folder of images a class, or an .npz file."""
    shots: int | Literal["all"] | None = None
    """Training images a class, or all. Default: 10, or what there is in classes with fewer."""
    seed: int = 0
    zoo: str = "embedded"
    steps: int = 150
    """Gradient steps of 32 images for each pair of the grid."""
    epochs: int = 0
    """Passes over the training images, in place of --steps."""
    learning_rates: tuple[float, ...] = (0.003, 0.01, 0.03)
    weight_decays: tuple[float, ...] = (1e-4,)
    """Every pair of learning rate and weight decay is tried."""
    optimizer: str = "sgd"
    """sgd (Nesterov momentum) or adamw."""
    schedule: str = "cosine"
    """cosine, tenths (a tenth at half, a hundredth at 5/6 of the steps) or constant, after a warm-up."""
    network: Literal["real", "linearized"] = "real"
    """linearized: train the tangent model f0 + J (w - w0)."""
    trainable: str = "all"
    """all, head (linear probe), last_block or norm."""
    head: str = ""
    """The new head's start: zero, random, or ridge (linear probe first). Default: zero; random where linearized."""
    batch_norm: Literal["auto", "batch", "frozen"] = "auto"
    """batch: training mode; frozen: the same statistics all along."""
    statistics: Literal["target", "source"] = "source"
    """Where frozen, BatchNorm's statistics: of pre-training, or of the target's training images."""
    loss: Literal["cross_entropy", "squared"] = "cross_entropy"
    flip: bool = False
    """Random mirror images."""
    evaluate_every: int = 0
    """Steps between looks at the validation images; the best look is kept. 0: the last weights."""
    patience: int = 0
    """Stop after so many looks without a better one."""
    together: int = 0
    """Pairs trained as one vmapped program; 0: as many as is fast and fits."""
    checkpoint: Path | None = None
    """Folder of checkpoints; the same command again goes on from the last one."""
    checkpoint_every: int = 50
    json: Path | None = None
    """Write the result here as well, with the curves of every pair."""

    def run(self) -> None:
        from rich.console import Console

        from lin_ft.data import load_task
        from lin_ft.finetune import FinetuneConfig, finetune

        names = (
            "steps", "epochs", "learning_rates", "weight_decays", "optimizer", "schedule", "network", "trainable",
            "batch_norm", "statistics", "loss", "flip", "evaluate_every", "patience", "together", "seed",
        )  # fmt: skip
        head = self.head or ("random" if self.network == "linearized" else "zero")
        config = FinetuneConfig(head=head, **{name: getattr(self, name) for name in names})
        (model,) = chosen_zoo(self.zoo, (self.model,))
        task = load_task(self.target, shots=self.shots, seed=self.seed)
        result = finetune(
            model, task, config, progress=True, checkpoint=self.checkpoint, checkpoint_every=self.checkpoint_every
        )
        chosen = f"learning rate {result.learning_rate:g}"
        if len(self.weight_decays) > 1:
            chosen += f", weight decay {result.weight_decay:g}"
        Console().print(
            f"{result.model} on {result.task}: {result.accuracy_text()},"
            f" {chosen} by validation, {result.seconds:.0f} s."
        )
        if self.json:
            result.save_json(self.json)
