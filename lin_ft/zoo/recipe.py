"""The recipe of a zoo entry: one network, one source, cycles of training; configs/zoo_*.py hold them."""

import dataclasses
from pathlib import Path

import numpy as np

from lin_ft.errors import InputError
from lin_ft.files.config_file import config_of


@dataclasses.dataclass(frozen=True)
class Restart:
    """One more cosine cycle (Loshchilov & Hutter 2017, arXiv 1608.03983), momentum from zero."""

    epochs: int
    learning_rate: float
    shift: int = 2
    """Whole images are shifted by up to this many pixels."""
    weight_decay: float = 3e-4
    crop_epochs: int = 0
    """So many epochs at the beginning see random crops, as those of the recipe do; the others whole images."""
    final_rate: float = 0.0
    """Share of `learning_rate` that the cosine ends at; 1: a constant rate."""
    average: int = 0
    """The cycle ends in the mean of the weights after each of its last `average` epochs (Izmailov et al. 2018, arXiv
    1803.05407: stochastic weight averaging); `statistics_images` then fits the norms to them. 0: the last weights."""
    teachers: int = 0
    """So many networks, those that the latest cycles before this one ended in, teach it: a snapshot ensemble (Huang et
    al. 2017, arXiv 1704.00109) distilled into one of its members (Furlanello et al. 2018, arXiv 1805.04770)."""
    teacher_share: float = 0.7
    """The targets are this share of the teachers' mean probabilities of the whole image (and of its mirror image where
    the recipe flips), and the label for the rest."""
    beside: bool = False
    """The cycle begins where the one before it began, sees other batches, and both count in the mean it ends in:
    averaging of parallel runs (Gupta et al. 2020, arXiv 2001.02312). Both need `average`. Its teachers, too, are from
    before both."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How one zoo entry is pre-trained: SGD with Nesterov momentum, linear warm-up, then cosine decay to zero.

    The first epochs see random crops of `crop` x `crop` pixels at the original scale, the last `full_epochs`
    the whole image shifted by up to `shift` pixels: the network is fully convolutional, small crops cost less
    and augment, and the last epochs fit the batch statistics to the size used later.
    """

    source: str
    """A packaged data set or TFDS name."""
    domain: str = ""
    licence: str = ""
    """Of the source data; both go to the card."""
    name: str = ""
    """Name of the zoo entry; empty: source-architecture."""
    architecture: str = "resnet20"
    epochs: int = 20
    full_epochs: int = 5
    crop: int = 24
    shift: int = 2
    flip: bool = False
    """Random horizontal mirror images (for photographs, not for writing)."""
    batch_size: int = 32
    learning_rate: float = 0.03
    """Where the cosine decay starts."""
    momentum: float = 0.9
    weight_decay: float = 3e-4
    """Coefficient of the squared L2 norm of convolution and head kernels; norms and biases are exempt."""
    warmup: float = 0.15
    """Fraction of all steps with growing learning rate."""
    warmup_peak: float | None = None
    """The rate that the warm-up climbs to, before the decay starts from `learning_rate`; None: the same."""
    restarts: tuple[Restart, ...] = ()
    """Cycles after the first `epochs`."""
    statistics_images: int = 0
    """At the end the running statistics of the norms become those of this many training images at the final
    weights (Wu & Johnson 2021, arXiv 2105.07576: "precise BN"); 0 keeps the moving averages of training."""
    start: str = ""
    """Weights file of an entry of the same architecture whose trunk training starts from, in place of random weights:
    the trunk of a multi-domain model, say, made an expert for one domain; see lin_ft.zoo.multi_domain."""
    seed: int = 0

    @property
    def entry(self) -> str:
        """Name of the zoo entry."""
        return self.name or f"{self.source}-{self.architecture}"


def cycle_starts(recipe: Recipe) -> list[int]:
    """First epoch of every cycle, and at the end the number of all epochs."""
    lengths = [recipe.epochs, *(restart.epochs for restart in recipe.restarts)]
    return [0, *np.cumsum(lengths).tolist()]


def cycle_of(recipe: Recipe, epoch: int) -> int:
    """The cycle that an epoch, counted from the beginning, belongs to."""
    return int(np.searchsorted(cycle_starts(recipe)[1:], epoch, side="right"))


def first_beside(recipe: Recipe, cycle: int) -> int:
    """The first of the cycles that begin at the same weights as `cycle`: the same one unless it is `beside` others."""
    while cycle and recipe.restarts[cycle - 1].beside:
        cycle -= 1
    return cycle


def averaged_epochs(recipe: Recipe, epoch: int) -> int:
    """How many epochs' weights the mean of this cycle holds after `epoch`; 0 where there is none, or none yet."""
    cycle = cycle_of(recipe, epoch)
    averages = [0, *(restart.average for restart in recipe.restarts)]
    own = max(0, averages[cycle] - (cycle_starts(recipe)[cycle + 1] - 1 - epoch))
    return own and own + sum(averages[first_beside(recipe, cycle) : cycle])


def check_cycles(recipe: Recipe) -> None:
    """Raises InputError where a cycle asks for teachers, for epochs or for a cycle beside it that do not exist."""
    for cycle, restart in enumerate(recipe.restarts, 1):
        first = first_beside(recipe, cycle)
        if not 0 <= restart.teachers <= first:
            raise InputError(f"{recipe.entry}: cycle {cycle + 1} has {restart.teachers} teachers; give 0 to {first}.")
        if not 0 <= restart.average <= restart.epochs:
            raise InputError(
                f"{recipe.entry}: cycle {cycle + 1} has {restart.epochs} epochs and averages {restart.average}; "
                f"give 0 to {restart.epochs}."
            )
        if first == cycle:
            continue
        if not first or not restart.average or not recipe.restarts[cycle - 2].average:
            raise InputError(
                f"{recipe.entry}: cycle {cycle + 1} is beside cycle {cycle}; both must be restarts with average > 0."
            )


def load_recipe(path: str | Path) -> Recipe:
    """The `config` of a Python file; see `config_of`."""
    return config_of(path, Recipe, example="configs/zoo_cifar10.py")
