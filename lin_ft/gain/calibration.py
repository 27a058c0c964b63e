"""The fitted models as one small file in the package: coefficients, priors, what they were fitted on."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lin_ft.errors import InputError
from lin_ft.files.atomic import write_atomically
from lin_ft.gain.evidence import NAMES
from lin_ft.gain.posterior import Coefficients, Prior

VERSION = 2
"""Of what the file says; another one is refused."""
PACKAGED = Path(__file__).with_name("calibration.json")
TERMS = (
    "head_decrease/target",
    "head_decrease/source",
    "backbone_decrease/target",
    "backbone_decrease/source",
    "shots_loss/target",
)
"""Of lin_ft.gain.evidence.terms, among models of one architecture: the evidence is the equally weighted mean of their
z-scores over the models."""
ACROSS_TERMS = ("decrease/source",)
"""The same where architectures differ: nothing in an absolute time, as scales differ a thousandfold, and all networks
under the source's batch statistics, as some have no others. Where no model has a prior, the order is that of
predicted_decrease."""


@dataclasses.dataclass(frozen=True)
class Candidate:
    """What a prior is looked up by; see `lin_ft.zoo.ModelCard`."""

    name: str
    architecture: str = ""
    family: str = "single"
    sha256: str = ""
    """Of the weights. Empty: not known, and no prior of the calibration is taken."""
    prior: Prior | None = None
    """The card's own, which comes first."""


@dataclasses.dataclass(frozen=True)
class Level:
    """Measured accuracy of the reference minus the term's, in points."""

    term: str
    bias: float
    sd: float


@dataclasses.dataclass(frozen=True)
class KnownModel:
    """Its advantage on past tasks in points, with the standard deviation of it, and the weights that it was of."""

    mean: float
    sd: float
    sha256: str


@dataclasses.dataclass(frozen=True)
class Part:
    """Fitted on one matrix of real fine-tuning."""

    terms: tuple[str, ...]
    """What the evidence is the mean of."""
    coefficients: Coefficients
    spread: float
    """Standard deviation of the models' advantages: the width of the prior that an unknown model is given."""
    level: Level
    models: dict[str, KnownModel]
    families: dict[str, float]
    """Family of a card (single, multi_bn, ...) -> mean advantage of its models: the mean of an unknown one of it."""
    architectures: tuple[str, ...]
    """Of its models."""
    reference: str
    tasks: tuple[str, ...]
    """The past tasks."""
    made: dict[str, Any]
    """Draws, commit, versions."""

    @property
    def statistics(self) -> tuple[str, ...]:
        """Kinds of batch statistics that its terms need."""
        return tuple(sorted({name.partition("/")[2] for name in (*self.terms, self.level.term)}))

    def knows(self, model: Candidate) -> bool:
        """Whether it has a prior of these very weights."""
        known = self.models.get(model.name)
        return known is not None and known.sha256 == model.sha256

    def prior(self, model: Candidate) -> Prior:
        """The card's own; else that of these weights; else the family's mean, as wide as models differ."""
        if model.prior is not None:
            return model.prior
        known = self.models.get(model.name)
        if known is not None and self.knows(model):
            return Prior(known.mean, known.sd)
        return Prior(self.families.get(model.family, 0.0), self.spread)

    def unknown(self, models: Sequence[Candidate]) -> list[str]:
        """Names of those without a prior of their own."""
        return [model.name for model in models if model.prior is None and not self.knows(model)]


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What `python -m experiments.gain --fit` writes and `lin-ft rank` reads: a part for each matrix."""

    parts: dict[str, Part]

    def part(self, models: Sequence[Candidate]) -> tuple[str, Part]:
        """The part that knows most of these models, and its name.

        Where none knows any, the one with most of their architectures, then the one with the most architectures:
        evidence between unlike models is what it has learned to weigh.
        """

        def fits(name: str) -> tuple[int, int, int]:
            part = self.parts[name]
            known = sum(part.knows(model) for model in models)
            return known, sum(model.architecture in part.architectures for model in models), len(part.architectures)

        best = max(self.parts, key=fits)
        return best, self.parts[best]

    def prior_of(self, model: Candidate) -> tuple[Prior, Part] | None:
        """A prior of these very weights and the part it comes from; None for a model that no part knows."""
        return next(((part.prior(model), part) for part in self.parts.values() if part.knows(model)), None)


def save(calibration: Calibration, path: Path = PACKAGED) -> None:
    """Write the calibration as JSON; default: to where the package reads it."""
    values = {"version": VERSION, **dataclasses.asdict(calibration)}
    text = json.dumps(_rounded(values), indent=1) + "\n"
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def load(path: Path = PACKAGED) -> Calibration:
    """The file as written by `save`. Raises InputError for one that is unreadable, or of another version.

    Examples:
        >>> from lin_ft.gain import load
        >>> core = load().parts["core"]  # of the calibration that comes with the package
        >>> core.coefficients.within > 0, len(core.models)
        (True, 15)
    """
    again = "write it again by `python -m experiments.gain --fit`"
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
        version = values["version"]
        if version != VERSION:
            raise InputError(
                f"calibration {path}: it is of version {version}, which does not fit this lin_ft (version {VERSION});"
                f" {again}."
            )
        calibration = Calibration({name: _part(part) for name, part in values["parts"].items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"calibration {path}: not readable as one ({error}); {again}.") from error
    unknown = {name for part in calibration.parts.values() for name in (*part.terms, part.level.term)} - set(NAMES)
    if unknown:
        raise InputError(
            f"calibration {path}: with the terms {', '.join(sorted(unknown))} it does not fit this lin_ft; {again}."
        )
    return calibration


def _part(values: dict[str, Any]) -> Part:
    new = {
        "coefficients": Coefficients(**values["coefficients"]),
        "level": Level(**values["level"]),
        "terms": tuple(values["terms"]),
        "models": {name: KnownModel(**each) for name, each in values["models"].items()},
        "architectures": tuple(values["architectures"]),
        "tasks": tuple(values["tasks"]),
    }
    return Part(**{**values, **new})


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return round(value, 4) if isinstance(value, float) else value
