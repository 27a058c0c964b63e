"""What stands before the names of a network's tensors: module., _orig_mod., model., any attribute it was kept in."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from lin_ft.errors import InputError
from lin_ft.zoo.naming import KeyMap
from lin_ft.zoo.wrappers import averaged, listed

INNER = re.compile(r"(^|(?<=\.))(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module|_forward_module)\.")
"""Of compiled, sharded and checkpointed modules: no layer is called so, wherever in a name it stands."""
SHARE = 0.2
"""A prefix that fewer of the names have is a layer's, not the network's."""
AS_WELL = 0.9
"""Two prefixes whose names are known to so near a degree are two networks."""


class Bare(NamedTuple):
    """The tensors of the network without their prefix."""

    tensors: dict[str, np.ndarray]
    known: int
    """Names that the map knows."""
    notes: tuple[str, ...]


def unwrapped(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Without the words of INNER."""
    return {INNER.sub("", name): value for name, value in tensors.items()}


def without_prefix(tensors: Mapping[str, np.ndarray], key_map: KeyMap) -> Bare:
    """The tensors below the prefix under which the map knows most names, averaged ones first.

    Raises:
        InputError: the same network under several prefixes, none of them averaged.
    """
    known = {prefix: key_map.known(names) for prefix, names in _below(tensors).items()}
    most = max(known.values())
    good = [prefix for prefix, count in known.items() if count >= AS_WELL * most]
    chosen = min(good, key=lambda prefix: (not _averaged(prefix), -known[prefix], len(prefix)))
    rivals = [each for each in good if not each.startswith(chosen) and not chosen.startswith(each)]
    if most and rivals and not _averaged(chosen):
        names = ", ".join(f"{each}*" for each in (chosen, *rivals))
        raise InputError(f"it holds the network several times ({names}); save the state_dict of one alone")
    notes = []
    if _averaged(chosen):
        notes.append(f"averaged weights taken: {chosen}*" + (f" rather than {rivals[0]}*" if rivals else ""))
    outside = [
        name for name in tensors if not name.startswith(chosen) and not name.startswith(tuple(rivals or [chosen]))
    ]
    if outside:
        notes.append(f"left out, {len(outside)} tensors that are not of {chosen}*: {listed(outside)}")
    inside = {name.removeprefix(chosen): value for name, value in tensors.items() if name.startswith(chosen)}
    return Bare(inside, known[chosen], tuple(notes))


def _below(tensors: Mapping[str, np.ndarray]) -> dict[str, list[str]]:
    """Prefix -> names below it, for the empty one and all that enough names have."""
    counts = Counter(prefix for name in tensors for prefix in _prefixes(name))
    common = [prefix for prefix, count in counts.items() if count >= SHARE * len(tensors)]
    return {
        prefix: [name.removeprefix(prefix) for name in tensors if name.startswith(prefix)] for prefix in ("", *common)
    }


def _prefixes(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:depth]) + "." for depth in range(1, min(len(parts), 6))]


def _averaged(prefix: str) -> bool:
    return averaged(tuple(prefix.split(".")))
