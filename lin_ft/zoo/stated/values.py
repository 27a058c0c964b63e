"""Values of configurations, whatever form they are written in."""

from collections.abc import Mapping
from typing import Any

from lin_ft.errors import InputError

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
"""Mean and deviation of RGB in [0, 1]."""


def numbers(value: Any, name: str, where: str) -> tuple[float, ...]:
    """Three numbers from a list of three, or from one for all channels; empty where there are none."""
    if value is None or value in ([], ()):
        return ()
    try:
        values = [float(each) for each in (value if isinstance(value, (list, tuple)) else [value])]
    except (TypeError, ValueError):
        values = []
    values = values * 3 if len(values) == 1 else values
    if len(values) != 3 or (name == "std" and min(values) <= 0):
        raise InputError(f"{where} states the {name} {value!r}, not three numbers: correct it, or give --norm.")
    return tuple(values)


def side_of(size: Any) -> int:
    """Pixels a side: of 224, [3, 224, 224], {"height": 224, ...} or {"shortest_edge": 224}; 0 of anything else."""
    if isinstance(size, Mapping):
        size = next((size[key] for key in ("shortest_edge", "height", "width", "longest_edge") if size.get(key)), 0)
    if isinstance(size, (list, tuple)):
        size = size[-1] if size else 0
    return int(size) if isinstance(size, (int, float)) and not isinstance(size, bool) else 0


def labels_of(labels: Any, where: str) -> tuple[str, ...]:
    """Classes in the order of the head, of a list or of id2label; none of transformers' placeholders LABEL_0, ..."""
    if isinstance(labels, Mapping):
        try:
            labels = [labels[key] for key in sorted(labels, key=int)]
        except ValueError as error:
            raise InputError(f"{where} numbers its classes with what is no number ({error}): correct it.") from error
    names = tuple(map(str, labels)) if isinstance(labels, (list, tuple)) else ()
    return () if all(name == f"LABEL_{index}" for index, name in enumerate(names)) else names
