"""What is computed for every model of a ranking, and by what they are ranked."""

import dataclasses

from lin_ft import scores as suite
from lin_ft.batch_statistics import STATISTICS, Statistics
from lin_ft.errors import InputError
from lin_ft.heads import heads_for
from lin_ft.ranking.result import GAIN, SCORES
from lin_ft.scores.catalogue import check_name
from lin_ft.scores.predicted_accuracy import RIDGES, TIMES
from lin_ft.zoo import REFERENCE

MANY = 512
"""Images from which on the sketch is taken. A pair of images costs the exact kernel a multiply-add an entry of the
gradient, an image costs the sketch an addition an entry; one core did 70 billion of these and 1.3 of those a second, so
they are even at 110 images. With fewer than MANY the passes cost more than either, and exact is exact."""


@dataclasses.dataclass(frozen=True)
class RankConfig:
    """What is computed for every model, and by what they are ranked."""

    score: str = ""
    """"gain", which predicts points with an interval (lin_ft.gain); any of lin_ft.scores.SCORES; or a function of your
    own, "file.py:function". Empty: gain, or under a zero head or where not all weights train, which gains are not
    calibrated for, predicted_decrease."""
    head: str = "random"
    """zero or random, see lin_ft.heads: what the backbone's part of the kernel sees."""
    probes: int = 2
    """Random head columns that probe the backbone's part of the kernel; more cost more and vary less."""
    trainable: str = "all"
    reference: str = REFERENCE
    ridges: tuple[float, ...] = RIDGES
    """In units of the mean eigenvalue of the kernel."""
    times: tuple[float, ...] = TIMES
    """Training times eta t, in units of 1 / (mean eigenvalue of the kernel)."""
    statistics: Statistics = "source"
    """Of BatchNorm where the network is linearized: "source", of pre-training, or "target", re-estimated from the
    training images, where fine-tuning starts."""
    left_out: str = "image"
    """What is predicted from the rest: "image", one after the other, or "shot", one image of each class at a time."""
    matchings: int = 4
    """Ways to match images of different classes to shots; the predictions are averaged over them."""
    kernel: str = "auto"
    """exact; sketch, from gradients projected to `dimension` numbers, which makes every cost linear in the images; or
    auto: the sketch from MANY images on."""
    dimension: int = 2048
    """Of the sketch. The kernel is off by sqrt((r + 1) / dimension) of its norm at most, in root mean square, r its
    effective rank tr(K)² / tr(K²): a few percent for kernels of trained networks."""
    seed: int = 0
    scores: tuple[str, ...] = ()
    """Shown beside: names of lin_ft.scores.SCORES, "all", or functions of your own, "file.py:function"."""
    curve: bool = False
    """Foretell the first model's accuracy with a quarter to four times the training images; see lin_ft.gain.curve."""
    source_shots: int = 0
    """Images a class of each model's source data, for the scores that need them; 0: those scores are left out."""
    details: bool = False
    """Keep what the HTML report shows of each model; costs one more decomposition."""

    def __post_init__(self):
        if not self.score:
            usual = self.head == "random" and self.trainable == "all"
            object.__setattr__(self, "score", GAIN if usual else "predicted_decrease")
        if ":" not in self.score and self.score != GAIN:
            check_name(self.score)
        if self.head not in heads_for("ranking"):
            raise InputError(f"head {self.head!r}: no ranking with it; one of {', '.join(heads_for('ranking'))}.")
        if self.left_out not in ("image", "shot"):
            raise InputError(f"left_out {self.left_out!r}: unknown; one of image, shot.")
        if self.statistics not in STATISTICS:
            raise InputError(f"statistics {self.statistics!r}: unknown; one of {', '.join(STATISTICS)}.")
        if self.kernel not in ("auto", "exact", "sketch"):
            raise InputError(f"kernel {self.kernel!r}: unknown; one of auto, exact, sketch.")
        if self.dimension < 1:
            raise InputError(f"dimension {self.dimension}: give at least 1.")
        if self.matchings < 1:
            raise InputError(f"matchings {self.matchings}: give at least 1.")
        _ = self.chosen  # unknown names are refused before any work

    @property
    def chosen(self) -> dict[str, suite.Score]:
        """The scores of lin_ft.scores that take part."""
        return suite.chosen([*(name for name in self.scores if name not in SCORES), *self._main])

    @property
    def _main(self) -> tuple[str, ...]:
        return () if self.score in SCORES or self.score == GAIN else (self.score,)
