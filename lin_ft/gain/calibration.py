"""The fitted model as one small file in the package: coefficients, priors, what they were fitted on."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lin_ft.errors import InputError
from lin_ft.files.atomic import write_atomically
from lin_ft.gain.posterior import Coefficients, Prior

VERSION = 1
"""Of what the file says; another one is refused."""
PACKAGED = Path(__file__).with_name("calibration.json")
TERMS = (
    "head_decrease/target",
    "head_decrease/source",
    "backbone_decrease/target",
    "backbone_decrease/source",
    "shots_loss/target",
)
"""Of lin_ft.gain.evidence.terms: the evidence is the equally weighted mean of their z-scores over the models."""


@dataclasses.dataclass(frozen=True)
class Level:
    """Measured accuracy of the reference minus `shots_accuracy/target`, in points."""

    bias: float
    sd: float


@dataclasses.dataclass(frozen=True)
class Calibration:
    """What `python -m experiments.gain --fit` writes and `lin-ft rank` reads."""

    coefficients: Coefficients
    spread: float
    """Standard deviation of the models' advantages: what a model without a prior is given."""
    level: Level
    priors: dict[str, Prior]
    """Name of a model -> its advantage on past tasks."""
    families: dict[str, float]
    """Family of a card (single, multi_bn, ...) -> mean advantage of its models: the mean of an unknown one of it."""
    tasks: tuple[str, ...]
    """The past tasks."""
    made: dict[str, Any]
    """Reference, draws, commit, versions."""

    def prior(self, name: str, family: str) -> Prior:
        """Of a model; of one that is unknown its family's, as wide as models differ."""
        known = self.priors.get(name)
        return known or Prior(self.families.get(family, 0.0), self.spread + self.coefficients.noise / 2)

    def unknown(self, names: Sequence[str]) -> list[str]:
        """Those without a prior of their own."""
        return [name for name in names if name not in self.priors]


def save(calibration: Calibration, path: Path = PACKAGED) -> None:
    """Write the calibration as JSON; default: to where the package reads it."""
    values = {"version": VERSION, "terms": list(TERMS), **dataclasses.asdict(calibration)}
    text = json.dumps(_rounded(values), indent=1) + "\n"
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def load(path: Path = PACKAGED) -> Calibration:
    """The file as written by `save`. Raises InputError for one that is unreadable, or of another version."""
    again = "write it again by `python -m experiments.gain --fit`"
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
        version, fitted = values.pop("version"), values.pop("terms")
        if version != VERSION or tuple(fitted) != TERMS:
            raise InputError(
                f"calibration {path}: it is of version {version} with the terms {', '.join(fitted)}, which does not fit"
                f" this lin_ft (version {VERSION}, {', '.join(TERMS)}); {again}."
            )
        return Calibration(
            coefficients=Coefficients(**values.pop("coefficients")),
            level=Level(**values.pop("level")),
            priors={name: Prior(**each) for name, each in values.pop("priors").items()},
            tasks=tuple(values.pop("tasks")),
            **values,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"calibration {path}: not readable as one ({error}); {again}.") from error


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return round(value, 4) if isinstance(value, float) else value
