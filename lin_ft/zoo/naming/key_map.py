"""What the tensors of a checkpoint are called, as data: rules from foreign names to paths of a Flax module."""

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Target = str | tuple[str, ...]
"""A path, or several whose tensors lie one behind the other along the first axis (joined queries, keys and values)."""

LEAVES = {
    "weight": "weight",
    "bias": "bias",
    "in_proj_weight": "weight",
    "in_proj_bias": "bias",
    "running_mean": "mean",
    "running_var": "var",
}
"""Last part of a foreign name -> kind of tensor."""


class Place(NamedTuple):
    """Where a tensor goes: `targets` are module paths where `kind` is one of LEAVES, else full paths of parameters."""

    targets: tuple[str, ...]
    kind: str


@dataclass(frozen=True, eq=False)
class KeyMap:
    """One source's names for one architecture.

    A rule (pattern, target) is for a layer, or for a single tensor whose name is not of LEAVES. `{x}` in a pattern
    stands for a number, which `{x}`, `{x+1}` or `{x-1}` in the target repeats; the first that fits wins. `prefixes`
    may stand before any name. Names that fit `ignored` carry nothing the network needs. `options` are those that the
    source's networks differ by, for the function that builds the module.
    """

    source: str
    rules: tuple[tuple[str, Target], ...]
    ignored: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    @functools.cached_property
    def _patterns(self) -> list[tuple[re.Pattern, Target]]:
        return [(_pattern(pattern), target) for pattern, target in self.rules]

    @functools.cached_property
    def _ignored(self) -> list[re.Pattern]:
        return [_pattern(pattern) for pattern in (*self.ignored, "{*}num_batches_tracked")]

    def bare(self, name: str) -> str:
        """The name without a prefix."""
        for prefix in self.prefixes:
            name = name.removeprefix(prefix)
        return name

    def ignores(self, name: str) -> bool:
        """Whether a tensor of that name carries nothing that the network needs."""
        return any(pattern.fullmatch(self.bare(name)) for pattern in self._ignored)

    def known(self, names: Iterable[str]) -> int:
        """How many of the names have a place or are ignored."""
        return sum(self.place(name) is not None or self.ignores(name) for name in names)

    @functools.cached_property
    def head(self) -> str:
        """The source's name of the head; empty where it has none."""
        return next((pattern for pattern, target in self.rules if target == "head"), "")

    def of_head(self, names: Iterable[str]) -> list[str]:
        """Names at the head's place in the network, of whatever form the head is."""
        root = self.head.split(".")[0]
        return [
            name
            for name in names
            if root
            and (bare := self.bare(name)).startswith(f"{root}.")
            and ((place := self.place(name)) is None or place.targets == ("head",))
            and not self.ignores(bare)
        ]

    def place(self, name: str) -> Place | None:
        """Where the tensor goes; None where no rule fits."""
        bare = self.bare(name)
        layer, _, leaf = bare.rpartition(".")
        for pattern, target in self._patterns:
            whole = pattern.fullmatch(bare)
            match = whole or (pattern.fullmatch(layer) if leaf in LEAVES else None)
            if match:
                targets = (target,) if isinstance(target, str) else target
                filled = tuple(_filled(each, match.groupdict()) for each in targets)
                return Place(filled, "whole" if whole else LEAVES[leaf])
        return None


def _pattern(text: str) -> re.Pattern:
    escaped = re.escape(text).replace(r"\{\*\}", ".*")
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>\\d+)", escaped))


def _filled(target: str, numbers: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)([+-]\d+)?\}", lambda m: str(int(numbers[m[1]]) + int(m[2] or 0)), target)
