"""What an inspection looks at and how."""

import dataclasses

from lin_ft.errors import InputError
from lin_ft.inspect.duplicates import NEAR
from lin_ft.inspect.label_errors import LEVEL, METHODS
from lin_ft.inspect.next_labels import WAYS


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
    label: int = 0
    """Unlabelled pictures that are proposed, where there are some; 0: 20, or all where they are fewer."""
    label_by: str = "variance"
    """What they are chosen by: variance or disagreement."""
    source_shots: int = 0
    """Images a class of the first model's source data that the classes are compared with; 0: they are not."""
    show: int = 20
    """Rows of each table on the terminal and pictures of each kind on the page."""
    probes: int = 2
    """Random head columns that probe the kernel, as of a ranking."""
    seed: int = 0

    def __post_init__(self):
        if min(self.best, self.show, self.probes) < 1:
            raise InputError(f"best {self.best}, show {self.show}, probes {self.probes}: give at least 1 of each.")
        if self.label < 0 or self.source_shots < 0:
            raise InputError(f"label {self.label}, source_shots {self.source_shots}: give 0 or more of each.")
        if self.label_by not in WAYS:
            raise InputError(f"label_by {self.label_by!r}: unknown; one of {', '.join(WAYS)}.")
        if self.method not in METHODS:
            raise InputError(f"method {self.method!r}: unknown; one of {', '.join(METHODS)}.")
        if not 0 < self.level <= 1:
            raise InputError(f"level {self.level}: give a probability above 0 and at most 1.")
        if not 0 <= self.near < 1:
            raise InputError(f"near {self.near}: give a share of the usual nearest distance, from 0 to below 1.")
