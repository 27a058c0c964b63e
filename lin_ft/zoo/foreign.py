"""A foreign checkpoint as a zoo entry: converted once to safetensors, with a card beside it."""

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lin_ft.errors import InputError
from lin_ft.zoo.card import ModelCard, save_card
from lin_ft.zoo.checkpoint import read_tensors
from lin_ft.zoo.convert import Converted, convert, maps_of, n_params
from lin_ft.zoo.hub import Fetched, fetch_from_hub, is_hub
from lin_ft.zoo.model import ZooModel
from lin_ft.zoo.weights import save_weights

NORMS: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "half": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "none": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
}
"""Mean and deviation of RGB in [0, 1]: torchvision's, [-1, 1] (TensorFlow, ViT), [0, 1]."""


def user_zoo() -> Path:
    """The user's own zoo: $LIN_FT_ZOO, else a folder of the user's data."""
    chosen = os.environ.get("LIN_FT_ZOO")
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_data_dir("lin_ft", appauthor=False)) / "zoo"


def add(
    name: str,
    architecture: str,
    weights: str | Path,
    *,
    norm: str = "",
    source: str = "imagenet",
    domain: str = "photographs",
    class_names: Sequence[str] = (),
    image_size: int = 0,
    naming: str = "",
    licence: str = "",
    folder: str | Path | None = None,
    command: str = "",
) -> ZooModel:
    """Convert `weights` (a file, hf:owner/name or timm:name) and write NAME.safetensors and NAME.json to `folder`.

    What is not given comes from the hub's configuration, else: `norm` imagenet, class names "0", "1", ..., 224 pixels
    (or those of the position embeddings). Everything is checked before anything is written; an entry of that name is
    replaced.

    Raises:
        InputError: as read_tensors, convert and fetch_from_hub; a bad name or norm; a number of class names that is not
            the head's; a folder that cannot be written.
    """
    if not re.fullmatch(r"[\w.-]+", name):
        raise InputError(f"name {name!r}: letters, digits, '-', '_' and '.' only.")
    maps_of(architecture, naming)
    hub = fetch_from_hub(str(weights)) if is_hub(str(weights)) else Fetched(Path(weights), (), (), (), 0, "")
    mean, std = _norm(norm) if norm else ((hub.mean, hub.std) if hub.mean else NORMS["imagenet"])
    if not naming and architecture.startswith("efficientnet") and "tf_efficientnet" in Path(str(weights)).name:
        naming = "timm-tf"
    tensors = read_tensors(hub.path)
    try:
        converted = convert(tensors, architecture, naming=naming)
    except InputError as error:
        raise InputError(f"{hub.path}: {error}") from error
    return write(
        name,
        architecture,
        converted,
        Path(folder) if folder else user_zoo(),
        source=source,
        domain=domain,
        class_names=_classes(converted.n_classes, tuple(class_names) or hub.class_names, bool(class_names)),
        image_size=image_size or hub.image_size or converted.options.get("image_size", 224),
        mean=mean,
        std=std,
        licence=licence or hub.licence,
        command=command,
        recipe={"weights": str(weights), "naming": converted.naming},
    )


def write(name: str, architecture: str, converted: Converted, folder: Path, **card: Any) -> ZooModel:
    """Weights, then the card: an entry without a card is none. `card`: fields of ModelCard."""
    path = folder / f"{name}.safetensors"
    variables, card["std"] = unit_inputs(converted.variables, card["std"])
    save_weights(path, variables)
    unknown = {"n_train": 0, "n_test": 0, "test_accuracy": 0.0, "commit": "", "hardware": "", "seconds": 0.0, "seed": 0}
    whole = ModelCard(
        name=name,
        architecture=architecture,
        n_params=n_params(converted.variables),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        options=converted.options,
        **(unknown | card),
    )
    try:
        save_card(folder / f"{name}.json", whole)
    except InputError:
        path.unlink(missing_ok=True)
        raise
    return ZooModel(whole, path)


def unit_inputs(variables: dict[str, Any], std: Sequence[float]) -> tuple[dict[str, Any], tuple[float, ...]]:
    """The same function of the pixels, its inputs of about unit variance: pixels of deviation `std` below a tenth, as
    networks take that were trained on 0..255, are divided by ImageNet's, and the stem's kernel is multiplied instead.

    Otherwise the stem's gradient is a hundred times larger than the others': it fills the tangent kernel, and
    fine-tuning diverges at learning rates that suit all other networks.
    """
    stem = variables["params"].get("stem", {})
    if max(std) >= 0.1 or "kernel" not in stem:
        return variables, tuple(std)
    unit = NORMS["imagenet"][1]
    factor = np.array(unit, np.float32) / np.array(std, np.float32)
    stem = {**stem, "kernel": stem["kernel"] * factor[:, None]}
    return {**variables, "params": {**variables["params"], "stem": stem}}, unit


def _norm(text: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """One of NORMS, or "m,m,m/s,s,s"."""
    if text in NORMS:
        return NORMS[text]
    try:
        mean, std = (tuple(map(float, part.split(","))) for part in text.split("/"))
    except ValueError:
        mean = std = ()
    if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
        raise InputError(f"norm {text!r}: give {', '.join(NORMS)} or three means and deviations, 0.5,0.5,0.5/1,1,1.")
    return mean, std


def _classes(n_classes: int, names: tuple[str, ...], given: bool) -> tuple[str, ...]:
    if given and len(names) != n_classes:
        raise InputError(f"{len(names)} class names are given, but the checkpoint's head has {n_classes} classes.")
    return names if len(names) == n_classes else tuple(str(index) for index in range(n_classes))
