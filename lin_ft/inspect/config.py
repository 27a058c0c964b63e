"""What an inspection looks at and how."""

import dataclasses

from lin_ft.errors import InputError
from lin_ft.inspect.duplicates import NEAR
from lin_ft.inspect.label_errors import LEVEL, METHODS


@dataclasses.dataclass(frozen=True)
class InspectConfig:
    """What an inspection looks at and how."""

    best: int = 3
    """Most models that are asked: of those that hold the best with 90 %, the likeliest."""
    method: str = "tangent"
    """How a model predicts an image without having learnt from it: tangent, neighbours or logistic."""
    level: float = LEVEL
    """Labels that random ones equal with a larger probability are refused; 1: none."""
    near: float = NEAR
    """Near duplicates: nearer than this share of the usual distance to the nearest other image."""
    show: int = 20
    """Rows of each table on the terminal and pictures of each kind on the page."""
    probes: int = 2
    """Random head columns that probe the kernel, as of a ranking."""
    seed: int = 0

    def __post_init__(self):
        if min(self.best, self.show, self.probes) < 1:
            raise InputError(f"best {self.best}, show {self.show}, probes {self.probes}: give at least 1 of each.")
        if self.method not in METHODS:
            raise InputError(f"method {self.method!r}: unknown; one of {', '.join(METHODS)}.")
        if not 0 < self.level <= 1:
            raise InputError(f"level {self.level}: give a probability above 0 and at most 1.")
        if not 0 <= self.near < 1:
            raise InputError(f"near {self.near}: give a share of the usual nearest distance, from 0 to below 1.")
