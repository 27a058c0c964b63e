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
from lin_ft.zoo.checkpoint import read_checkpoint
from lin_ft.zoo.choice import NORMS, architecture_of, assumed_of, named_norm, norm_of, options_of, with_given
from lin_ft.zoo.convert import Converted, convert, maps_of, n_params
from lin_ft.zoo.hub import Fetched, fetch_from_hub, is_hub
from lin_ft.zoo.model import ZooModel
from lin_ft.zoo.stated import Statement, check_norms, joined, named_architecture, statements_beside
from lin_ft.zoo.weights import save_weights


def user_zoo() -> Path:
    """The user's own zoo: $LIN_FT_ZOO, else a folder of the user's data.

    Examples:
        >>> from lin_ft.zoo import user_zoo
        >>> user_zoo().is_absolute()
        True
    """
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
    heads: int = 0,
    padding: str = "",
    source: str = "imagenet",
    domain: str = "photographs",
    class_names: Sequence[str] = (),
    image_size: int = 0,
    naming: str = "",
    licence: str = "",
    folder: str | Path | None = None,
    command: str = "",
) -> ZooModel:
    """Convert weights and write NAME.safetensors and NAME.json to `folder`.

    `weights` is a file, a folder or index of several, hf:owner/name or timm:name.

    What config.json and preprocessor_config.json beside the weights or on the hub state, and what the checkpoint itself
    does, is taken. What is neither stated nor given is assumed (`norm` imagenet, the architecture's own `heads` and
    `padding`, class names "0", "1", ..., 224 pixels or those of the position embeddings), and `card.assumed` says so.
    `architecture` may be empty where it is stated. Everything is checked before anything is written; an entry of that
    name is replaced.

    Args:
        name: of the entry.
        architecture: one of ARCHITECTURES; "": as stated.
        weights: a file, a folder or index of several, hf:owner/name or timm:name.
        norm: how pixels are normalised: one of NORMS, or "m,m,m/s,s,s".
        heads: of the attention.
        padding: of strided convolutions.
        source: data that the weights were trained on.
        domain: of these data, in a word.
        class_names: of its own head.
        image_size: pixels a side that it takes.
        naming: whose names the tensors have; "": found out.
        licence: of the weights.
        folder: to write to; None: the user's zoo.
        command: written to the card: how the entry was made.

    Raises:
        InputError: as read_checkpoint, convert and fetch_from_hub; a statement that contradicts what is given, or
            another statement; a bad name, norm, padding or number of heads; a number of class names that is not the
            head's; a folder that cannot be written.
    """
    if not re.fullmatch(r"[\w.-]+", name):
        raise InputError(f"name {name!r}: letters, digits, '-', '_' and '.' only.")
    if architecture:
        maps_of(architecture, naming)
    if norm:
        named_norm(norm)
    hub = fetch_from_hub(str(weights)) if is_hub(str(weights)) else Fetched(Path(weights), ())
    checkpoint = read_checkpoint(hub.path)
    statements = [*_statements(str(weights), hub.path), checkpoint.stated]
    if not norm:
        check_norms(statements)
    stated = joined(statements)
    try:
        architecture = architecture_of(architecture, stated, checkpoint.tensors)
        options = options_of(architecture, stated, naming)
        converted = convert(checkpoint.tensors, architecture, naming=naming, options=options)
        converted = with_given(converted, architecture, stated, heads, padding)
    except InputError as error:
        raise InputError(f"{hub.path}: {error}") from error
    (mean, std), unsaid = norm_of(norm, stated)
    size = image_size or stated.image_size or converted.options.get("image_size", 0)
    assumed = [unsaid] * bool(unsaid) + assumed_of(converted, architecture, stated, heads, padding)
    assumed += ["image size 224 pixels (--image-size)"] * (not size)
    names, missing = _classes(converted.n_classes, tuple(class_names), stated)
    if names and names == tuple(map(str, range(converted.n_classes))):
        assumed.append(f"classes called 0 to {converted.n_classes - 1} (--classes)")
    silent = [each.where for each in statements[:-1] if not each.lines()]
    unseen = [each for each in hub.unseen if each == "config.json" or not stated.mean]
    return write(
        name,
        architecture,
        converted,
        Path(folder) if folder else user_zoo(),
        source=source,
        domain=domain,
        class_names=names,
        image_size=size or 224,
        mean=mean,
        std=std,
        interpolation=stated.interpolation,
        licence=licence or stated.licence,
        command=command,
        assumed=tuple(assumed),
        recipe={
            "weights": str(weights),
            "naming": converted.naming,
            "stated": [f"{each.where}: {', '.join(lines)}" for each in statements if (lines := each.lines())],
            "notes": [
                *checkpoint.notes,
                *converted.notes,
                *missing,
                *[f"{where} beside the weights states nothing that is known" for where in silent],
                *[f"{', '.join(unseen)} not in the hub's cache, and no network to look: not read"] * bool(unseen),
            ],
        },
    )


def _statements(weights: str, path: Path) -> list[Statement]:
    """Of the configurations beside the weights; of timm's repositories the name states the architecture too."""
    statements = statements_beside(path if path.is_dir() else path.parent)
    if weights.startswith("timm:") and not any(each.called for each in statements):
        named = Statement(**named_architecture(weights.removeprefix("timm:"), "the repository's name", {}))
        statements += [named] if named.architecture or named.reason else []
    return statements


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
    """The same function of the pixels, its inputs of about unit variance.

    Pixels of deviation `std` below a tenth, as networks take that were trained on 0..255, are divided by ImageNet's,
    and the stem's kernel is multiplied instead.

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


def _classes(n_classes: int, given: tuple[str, ...], stated: Statement) -> tuple[tuple[str, ...], list[str]]:
    """The classes of the head, and what is to be said of them."""
    if given and len(given) != n_classes:
        raise InputError(f"{len(given)} class names are given, but the checkpoint's head has {n_classes} classes.")
    names = given or stated.class_names
    if len(names) == n_classes:
        return names, []
    numbers = tuple(str(index) for index in range(n_classes))
    named = f"{stated.where} names {len(names)} classes, the head has {n_classes}: they are called by their numbers"
    return numbers, [named] if names and n_classes else []
