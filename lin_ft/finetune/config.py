"""What one fine-tuning is: budget, what trains, optimizer, grid of hyper-parameters, when to stop."""

import dataclasses
import math
from typing import Literal

from lin_ft.batch_statistics import STATISTICS, Statistics
from lin_ft.errors import InputError
from lin_ft.finetune.optimizers import OPTIMIZERS
from lin_ft.finetune.schedules import SCHEDULES
from lin_ft.heads import heads_for
from lin_ft.trainable import NAMED

Network = Literal["real", "linearized"]
BatchNorm = Literal["auto", "batch", "frozen"]
Loss = Literal["cross_entropy", "squared"]


@dataclasses.dataclass(frozen=True)
class FinetuneConfig:
    """Budget and hyper-parameters of one fine-tuning.

    By default the whole network, by SGD with Nesterov momentum on the cross-entropy, linear warm-up, then cosine decay
    to zero; the new head starts at zero; BatchNorm in training mode; random shifts of the image as the only
    augmentation. Each (learning rate, weight decay) is tried, the one with the best validation accuracy (ties: lowest
    validation loss) is tested. A task without validation images takes a single pair: the test images never choose.
    """

    steps: int = 150
    """Of the optimizer, one batch each."""
    epochs: int = 0
    """Passes over the training images in place of `steps`; 0: `steps` it is."""
    batch_size: int = 32
    """Images of a step."""
    learning_rates: tuple[float, ...] = (0.003, 0.01, 0.03)
    """Each is tried; the warm-up ends at it."""
    weight_decays: tuple[float, ...] = (1e-4,)
    """Of kernels only; norms and biases are exempt. SGD adds it to the gradient, AdamW to the step."""
    optimizer: str = "sgd"
    """One of lin_ft.finetune.OPTIMIZERS: sgd (Nesterov) or adamw."""
    momentum: float = 0.9
    """Of SGD; the first moment's decay of AdamW."""
    schedule: str = "cosine"
    """One of lin_ft.finetune.SCHEDULES: cosine, tenths (the paper's two drops to a tenth) or constant."""
    warmup: float = 0.1
    """Share of the steps with growing learning rate."""
    network: Network = "real"
    """linearized: the tangent model f0 + J (w - w0) is trained in its place; see lin_ft.tangent."""
    trainable: str = "all"
    """all, head (a linear probe), last_block or norm; see lin_ft.trainable."""
    head: str = ""
    """The new head's start: zero, random, or ridge (linear probe first, then fine-tune); see lin_ft.heads. Default:
    zero; random where the network is linearized, since under a zero head no gradient reaches its backbone."""
    batch_norm: BatchNorm = "auto"
    """batch: statistics of the batch, moving averages updated; frozen: those of pre-training. auto: batch where the
    real network trains whole or by its norms, else frozen. The linearized network is always frozen."""
    statistics: Statistics = "source"
    """Where BatchNorm is frozen: with the source's statistics, or the target's (`lin_ft.batch_statistics`)."""
    loss: Loss = "cross_entropy"
    """squared: mean over images of ½ ||f - Y||², Y one-hot."""
    shift: int = 2
    """Largest shift in pixels."""
    flip: bool = False
    """Random horizontal mirror images (for photographs, not for writing)."""
    evaluate_every: int = 0
    """Steps between looks at the validation images; the best look's weights are kept. 0: the last weights."""
    patience: int = 0
    """Stop after so many looks in a row without a better one; 0: never."""
    test_every_point: bool = False
    """Measure the test accuracy of every pair of the grid, to study the choice; the choice never sees it."""
    together: int = 0
    """Pairs (and draws) trained as one vmapped program; 0: as many as is fast and fits, see `lin_ft.finetune.grid`."""
    seed: int = 0
    """Of the new head, the order of the images and their shifts."""

    def __post_init__(self):
        if not self.head:
            object.__setattr__(self, "head", "random" if self.network == "linearized" else "zero")
        if self.steps < 1 or self.batch_size < 1:
            raise InputError(f"steps {self.steps}, batch_size {self.batch_size}: give at least 1 of each.")
        if not self.learning_rates or not all(0 < rate < math.inf for rate in self.learning_rates):
            raise InputError(f"learning_rates {self.learning_rates}: give at least one, all above 0.")
        if not self.weight_decays or not all(0 <= decay < math.inf for decay in self.weight_decays):
            raise InputError(f"weight_decays {self.weight_decays}: give at least one, none below 0.")
        for name, known in (
            ("optimizer", tuple(OPTIMIZERS)), ("schedule", tuple(SCHEDULES)), ("network", ("real", "linearized")),
            ("head", heads_for("fine-tuning")), ("batch_norm", ("auto", "batch", "frozen")),
            ("loss", ("cross_entropy", "squared")), ("statistics", STATISTICS),
        ):  # fmt: skip
            if getattr(self, name) not in known:
                raise InputError(f"{name} {getattr(self, name)!r}: unknown; one of {', '.join(known)}.")
        for name in ("epochs", "shift", "evaluate_every", "patience", "together"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} {getattr(self, name)}: give 0 or more.")
        if self.trainable not in NAMED:
            raise InputError(f"trainable {self.trainable!r}: unknown; one of {', '.join(NAMED)}.")
        if not (0 <= self.momentum < 1 and 0 <= self.warmup < 1):
            raise InputError(f"momentum {self.momentum}, warmup {self.warmup}: give numbers in 0 .. 1, 1 excluded.")
        if self.patience and not self.evaluate_every:
            raise InputError(f"patience {self.patience}: needs evaluate_every, the steps between two looks.")
        if self.network == "linearized" and self.batch_norm == "batch":
            raise InputError("batch_norm 'batch': the linearized network has frozen statistics; leave it 'auto'.")

    def steps_for(self, n: int) -> int:
        """Gradient steps with n training images."""
        return math.ceil(self.epochs * n / self.batch_size) if self.epochs else self.steps

    @property
    def updates_statistics(self) -> bool:
        """Whether BatchNorm works in training mode."""
        if self.batch_norm != "auto":
            return self.batch_norm == "batch"
        return self.network == "real" and self.trainable in ("all", "norm")
