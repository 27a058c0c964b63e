"""Model cards: what a zoo entry is, where it comes from and how good it is. JSON beside the weights."""

import dataclasses
import json
import math
from pathlib import Path

from lin_ft.errors import InputError
from lin_ft.files.atomic import write_atomically

_MEND = "write or add it again, or move it away"


@dataclasses.dataclass(frozen=True)
class ModelCard:
    """One zoo entry.

    `mean` and `std` (per RGB channel, of pixels in [0, 1]) are the statistics of the source's training images:
    every input is normalised by them before it reaches the network. Accuracies are fractions in [0, 1]; none is known
    where `n_test` is 0. Without class names the model has no head of its own.
    """

    name: str
    architecture: str
    source: str
    domain: str
    class_names: tuple[str, ...]
    image_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    n_params: int
    n_train: int
    n_test: int
    test_accuracy: float
    licence: str
    command: str
    commit: str
    hardware: str
    seconds: float
    seed: int
    recipe: dict
    sha256: str = ""
    options: dict = dataclasses.field(default_factory=dict)
    """Of the architecture: what the function that builds the module takes beside the number of classes."""
    trunk: str = ""
    """A second weights file in the same folder, with what this model has in common with others."""
    interpolation: str = ""
    """How pictures were resized for the network, where its source says so. All models of a zoo see the same pictures,
    so it is used by `lin-ft zoo add --check` alone."""
    assumed: tuple[str, ...] = ()
    """What neither the source of foreign weights states nor who added them gave."""
    prior: dict = dataclasses.field(default_factory=dict)
    """What past tasks say of its advantage over other models, in accuracy points: `mean`, `sd` and, for readers, the
    `tasks`. Empty: that of the package's calibration for these weights, else its family's; see lin_ft.gain."""

    @property
    def n_classes(self) -> int:
        """Classes of the source; 0: the model has no head of its own."""
        return len(self.class_names)

    @property
    def family(self) -> str:
        """single; of a slice of a multi-domain model shared, multi_bn or adapters; expert, one trained on from it."""
        return "expert" if self.recipe.get("start") else self.recipe.get("family", "single")


def save_card(path: str | Path, card: ModelCard) -> None:
    """Write the card as JSON, in one step.

    Examples:
        >>> from lin_ft.zoo import embedded_zoo, load_card, save_card
        >>> card = embedded_zoo()[0].card
        >>> save_card("copy.json", card)
        >>> load_card("copy.json") == card
        True
    """
    text = json.dumps(dataclasses.asdict(card), indent=1, ensure_ascii=False) + "\n"
    write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


def load_card(path: str | Path) -> ModelCard:
    """Read a card; InputError names the file and the field that is missing, unknown or of the wrong kind.

    Examples:
        >>> from lin_ft.zoo import embedded_zoo, load_card
        >>> load_card(embedded_zoo()[0].weights.with_suffix(".json")).architecture
        'resnet20'
    """
    path = Path(path)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: not a readable model card ({error}); write or add it again, or move it away."
        ) from error
    if not isinstance(values, dict):
        raise InputError(
            f"{path}: not a model card (a JSON object is expected); write or add it again, or move it away."
        )
    known = {field.name for field in dataclasses.fields(ModelCard)}
    required = known - {"sha256", "options", "trunk", "interpolation", "assumed", "prior"}
    problems = [f"missing {name}" for name in sorted(required - values.keys())]
    problems += [f"unknown {name}" for name in sorted(values.keys() - known)]
    if problems:
        raise InputError(
            f"{path}: not a model card of this version ({', '.join(problems)}); write or add it again, or move it away."
        )
    prior = values.get("prior", {})
    if prior and not (isinstance(prior, dict) and _is_number(prior.get("mean")) and _is_number(prior.get("sd"), 0.0)):
        raise InputError(f"{path}: its prior needs a mean and a sd in accuracy points, or leave it out; {_MEND}.")
    tuples = {name: tuple(values.get(name, ())) for name in ("class_names", "mean", "std", "assumed")}
    return ModelCard(**{**values, **tuples})


def _is_number(value: object, least: float = -math.inf) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= least
