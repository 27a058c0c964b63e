"""Packaged data sets: each module of this folder exposes one as DATASET. A new one is a new file."""

import hashlib
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from lin_ft.data.archive import Archive

Split = Literal["train", "test"]


class Example(NamedTuple):
    """One labelled image; examples of one group never fall into different splits."""

    image: np.ndarray
    """uint8, (height, width) or (height, width, 3)."""
    label: int
    split: Split
    group: str = ""


@dataclass(frozen=True)
class PackagedDataset:
    """A data set read from pinned archives; `examples` gets their paths in the order of `archives`."""

    name: str
    version: str
    domain: str
    title: str
    licence: str
    kind: Literal["source", "target"]
    class_names: tuple[str, ...]
    archives: tuple[Archive, ...]
    examples: Callable[[Sequence[Path]], Iterator[Example]] = field(repr=False)

    @property
    def download_size(self) -> int:
        """Bytes of all archives."""
        return sum(archive.size for archive in self.archives)


def packaged_names() -> list[str]:
    """Names of all packaged data sets, sorted; nothing is imported."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def packaged(name: str) -> PackagedDataset:
    """The packaged data set of this name. Raises KeyError when there is none."""
    if name not in packaged_names():
        raise KeyError(name)
    return importlib.import_module(f"{__name__}.{name}").DATASET


def split_by_hash(group: str | bytes, *, test_share: float = 0.2) -> Split:
    """A split that depends on the group alone, so it is the same on every machine and in every run."""
    key = group.encode() if isinstance(group, str) else group
    fraction = int.from_bytes(hashlib.sha256(key).digest()[:8], "big") / 2**64
    return "test" if fraction < test_share else "train"
