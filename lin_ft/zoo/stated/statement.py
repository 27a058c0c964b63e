"""What one source says of a checkpoint's network and of its pictures; several sources are joined or contradict."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lin_ft.errors import InputError

CLOSE = 1e-3
"""Means and deviations of pixels in [0, 1] that differ by less are the same, written with fewer digits."""


@dataclass(frozen=True)
class Statement:
    """What a file or a part of the checkpoint states. A field is empty (or 0) where it does not say."""

    where: str
    """The name of the file."""
    called: str = ""
    """The architecture as the source calls it."""
    architecture: str = ""
    """The same of lin_ft.zoo.architectures, empty with `called` where there is none."""
    reason: str = ""
    """Why there is none."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of the architecture: for the function that builds the module."""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    image_size: int = 0
    interpolation: str = ""
    crop: float = 0.0
    """Share of the picture's shorter side that the network sees."""
    class_names: tuple[str, ...] = ()
    licence: str = ""
    usual_norm: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    """Mean and deviation that the source's code takes for this architecture where no file says."""

    def lines(self) -> list[str]:
        """Everything stated, for the card: "architecture tf_efficientnet_b0", ..."""
        said = {
            "architecture": self.called,
            "mean": _numbers(self.mean),
            "std": _numbers(self.std),
            "image size": self.image_size,
            "interpolation": self.interpolation,
            "class names": len(self.class_names),
            **dict(self.options),
        }
        return [f"{name} {value}" for name, value in said.items() if value not in ("", 0)]


def joined(statements: Sequence[Statement]) -> Statement:
    """One statement of several, in their order: what the first does not say, the second does.

    `where` is the one that names the architecture, if any does.

    Examples:
        >>> from lin_ft.zoo.stated import Statement, joined
        >>> file, weights = Statement("config.json", image_size=224), Statement("model.pth", class_names=("cat", "dog"))
        >>> found = joined([file, weights])
        >>> found.image_size, found.class_names
        (224, ('cat', 'dog'))

    Raises:
        InputError: two architectures, or two values of one option. Two sizes are no contradiction: files name that of
            training and that of testing. Two normalisations: `norm_of`.
    """
    told = [each for each in statements if each.lines() or each.licence]
    named = [each for each in told if each.called]
    options: dict[str, tuple[Any, str]] = {}
    for each in told:
        for name, value in each.options.items():
            known, where = options.setdefault(name, (value, each.where))
            if known != value:
                raise InputError(f"{where} states {name} {known}, {each.where} {value}: correct the one that is wrong.")
    for each in named[1:]:
        if (each.architecture or each.called) != (named[0].architecture or named[0].called):
            both = f"{named[0].where} states the architecture {named[0].called}, {each.where} {each.called}"
            raise InputError(f"{both}: correct the one that is wrong.")

    def first(name: str) -> Any:
        return next((value for each in told if (value := getattr(each, name))), getattr(Statement, name, ()))

    return Statement(
        where=next((each.where for each in (*named, *told)), ""),
        called=first("called"), architecture=first("architecture"), reason=first("reason"),
        options={name: value for name, (value, _) in options.items()},
        mean=first("mean"), std=first("std"), image_size=first("image_size"), interpolation=first("interpolation"),
        crop=first("crop"), class_names=first("class_names"), licence=first("licence"), usual_norm=first("usual_norm"),
    )  # fmt: skip


def check_norms(statements: Sequence[Statement]) -> None:
    """Raises InputError where two sources state different means or deviations.

    Examples:
        >>> from lin_ft.zoo.stated import Statement, check_norms
        >>> half = {"mean": (0.5,) * 3, "std": (0.5,) * 3}
        >>> check_norms([Statement("config.json", **half), Statement("preprocessor_config.json", **half)])  # they agree
    """
    stated = [each for each in statements if each.mean and each.std]
    for each in stated[1:]:
        values = zip((*stated[0].mean, *stated[0].std), (*each.mean, *each.std), strict=True)
        if any(abs(a - b) > CLOSE for a, b in values):
            first, second = (f"{one.where} ({_numbers(one.mean)} / {_numbers(one.std)})" for one in (stated[0], each))
            raise InputError(f"{first} and {second} state different means and deviations: choose with --norm.")


def _numbers(values: Sequence[float]) -> str:
    return ",".join(f"{value:.4g}" for value in values)
