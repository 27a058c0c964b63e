"""What was found in a folder of pictures (or a file of arrays), and what of it was not used: one line, or whole."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

_LOG = logging.getLogger(__name__)

HIDDEN = "hidden"
UNREADABLE = "unreadable"
NO_PICTURE = "no picture"
TOO_LARGE = "over the size limit"
UNLABELLED = "in an unlabelled split"
OUTSIDE = "outside the class folders"
COPY = "copied"
"""The same picture is used elsewhere."""
LINKED = "linked again"
"""A link to a folder that is read through another path."""
EMPTY = "empty"
REASONS = (UNREADABLE, TOO_LARGE, COPY, UNLABELLED, OUTSIDE, NO_PICTURE, HIDDEN, LINKED, EMPTY)
"""Why a file was not used."""
_HARMLESS = {HIDDEN, NO_PICTURE, LINKED}

_NAMES = 10
_EXAMPLES = 3


@dataclass(frozen=True)
class Unused:
    """A file or folder that was not used. `path` is relative to the folder that was read."""

    path: str
    reason: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.detail}" if self.detail else self.path


@dataclass(frozen=True)
class Accounting:
    """Classes with their counts in each split, and everything that was not used.

    Attributes:
      name: the path of the folder or file.
      counts: of every split, the pictures of each class, in the order of `class_names`.
      notices: sentences on what was assumed or left out.
    """

    name: str
    class_names: tuple[str, ...]
    counts: Mapping[str, tuple[int, ...]]
    unused: tuple[Unused, ...] = ()
    notices: tuple[str, ...] = ()

    def by_reason(self) -> dict[str, list[Unused]]:
        """What was not used, by reason, in the order of `REASONS`."""
        found = {reason: [each for each in self.unused if each.reason == reason] for reason in REASONS}
        return {reason: each for reason, each in found.items() if each}

    def log(self) -> None:
        """The notices and the one line, as warnings where pictures were left out."""
        for notice in self.notices:
            _LOG.warning("%s: %s", self.name, notice)
        harmless = all(each.reason in _HARMLESS for each in self.unused)
        _LOG.log(logging.INFO if harmless else logging.WARNING, "%s", self.line())

    def summary(self) -> str:
        """What was not used, by reason and number alone; "" where all is used."""
        return ", ".join(f"{len(each)} {reason}" for reason, each in self.by_reason().items())

    def line(self) -> str:
        """Classes with their counts, names cut after ten; what was not used, by reason and number, with examples."""
        splits = [f"{split} {sum(counts)} ({self._classes(counts)})" for split, counts in self.counts.items()]
        text = f"{self.name}: {len(self.class_names)} class{'es' * (len(self.class_names) != 1)}, {', '.join(splits)}; "
        if not self.unused:
            return text + "every file is used."
        reasons = []
        for reason, each in self.by_reason().items():
            names = ", ".join(one.path for one in each[:_EXAMPLES])
            reasons.append(f"{len(each)} {reason} ({names}{', …' if len(each) > _EXAMPLES else ''})")
        return f"{text}not used: {', '.join(reasons)}."

    def whole(self) -> str:
        """Every class and everything that was not used, a line each."""
        lines = [self.name]
        for split, counts in self.counts.items():
            lines.append(f"{split}: {sum(counts)} pictures of {len(self.class_names)} classes")
            lines += [f"  {name}: {count}" for name, count in zip(self.class_names, counts, strict=True)]
        lines += self.notices
        for reason, each in self.by_reason().items():
            lines.append(f"not used, {reason}: {len(each)}")
            lines += [f"  {one}" for one in each]
        return "\n".join(lines if self.unused else [*lines, "every file is used"])

    def _classes(self, counts: tuple[int, ...]) -> str:
        return cut(f"{name} {count}" for name, count in zip(self.class_names, counts, strict=True))


def cut(names: Iterable[str], most: int = _NAMES) -> str:
    """The names joined by commas, and how many more there are."""
    names = list(names)
    return ", ".join([*names[:most], *([f"{len(names) - most} more"] if len(names) > most else [])])


def relative(path: Path, root: Path) -> str:
    """The path below `root`, with / between its parts on every system."""
    return path.relative_to(root).as_posix()
