"""Pictures of exactly the same content: one is kept, so that no test image has been trained on."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Copy(NamedTuple):
    """The places of a picture that is left out, and of the same picture that is kept."""

    dropped: int
    kept: int


def digest(pixels: np.ndarray) -> bytes:
    """Equal for equal pixels of one type and shape."""
    found = hashlib.blake2b(f"{pixels.dtype.str} {pixels.shape}".encode(), digest_size=16)
    found.update(np.ascontiguousarray(pixels).data)
    return found.digest()


def copies(digests: Sequence[bytes]) -> list[Copy]:
    """Every picture whose digest came before, with the first of its kind, in order."""
    first: dict[bytes, int] = {}
    return [Copy(place, kept) for place, each in enumerate(digests) if (kept := first.setdefault(each, place)) != place]


def copies_notice(found: Sequence[Copy], places: Sequence[tuple[str, str]]) -> str:
    """How many copies lie in another split, under another class, and in one class; `places` are (split, class)."""
    splits = sum(places[each.dropped][0] != places[each.kept][0] for each in found)
    classes = sum(places[each.dropped][1] != places[each.kept][1] for each in found)
    same = sum(places[each.dropped] == places[each.kept] for each in found)
    counts = ((splits, "another split's"), (classes, "another class's"), (same, "their own class's"))
    parts = ", ".join(f"{count} of {whose}" for count, whose in counts if count)
    return f"{len(found)} pictures are left out as exact copies: {parts}."
