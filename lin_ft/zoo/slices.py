"""Networks with tensors in common on disk: what is equal in all of them once, what each has of its own beside it."""

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from flax.traverse_util import flatten_dict

from lin_ft.zoo.card import ModelCard, load_card, save_card
from lin_ft.zoo.weights import load_weights, save_weights


def save_slices(out: str | Path, trunk: str, slices: Sequence[tuple[ModelCard, Mapping[str, Any]]]) -> list[ModelCard]:
    """Write `out/trunk` (the tensors equal in all variables), then each one's others and card; the cards as written.

    The card's SHA-256 is that of its own file followed by the trunk. A card comes last: an entry is whole or absent.
    """
    out = Path(out)
    flat = [{name: np.asarray(value) for name, value in flatten_dict(each, sep="/").items()} for _, each in slices]
    names = set.intersection(*(set(each) for each in flat))
    common = {name for name in names if all(np.array_equal(flat[0][name], other[name]) for other in flat[1:])}
    save_weights(out / trunk, {name: flat[0][name] for name in common})
    cards = []
    for (card, _), tensors in zip(slices, flat, strict=True):
        path = out / f"{card.name}.safetensors"
        save_weights(path, {name: value for name, value in tensors.items() if name not in common})
        digest = hashlib.sha256(path.read_bytes() + (out / trunk).read_bytes()).hexdigest()
        cards.append(dataclasses.replace(card, trunk=trunk, sha256=digest))
        save_card(out / f"{card.name}.json", cards[-1])
    return cards


def load_entry(path: str | Path) -> dict[str, Any]:
    """The variables of a zoo entry by its weights file; with the trunk that the card beside it names, if any."""
    path = Path(path)
    card = path.with_suffix(".json")
    trunk = load_card(card).trunk if card.is_file() else ""
    return load_weights(path, trunk=path.with_name(trunk) if trunk else None)
