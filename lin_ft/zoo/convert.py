"""Foreign tensors to variables of a Flax module: every tensor is used or named as ignored, every variable is filled."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from lin_ft.errors import InputError
from lin_ft.zoo.architectures import shapes_of
from lin_ft.zoo.naming import KEY_MAPS, KeyMap

SHOWN = 8
"""Names of an error that are written out; of the rest the number."""


class Converted(NamedTuple):
    """A checkpoint in Flax's form."""

    variables: dict[str, Any]
    """{"params": ..., "batch_stats": ...}, float32."""
    options: dict[str, Any]
    """For the function that builds the module."""
    n_classes: int
    """Of the head; 0 where the checkpoint has none: then the head is one output of zeros."""
    naming: str
    """KeyMap.source"""


def convert(
    tensors: Mapping[str, np.ndarray], architecture: str, *, naming: str = "", options: Mapping[str, Any] | None = None
) -> Converted:
    """The variables of `architecture` from tensors named as its source names them.

    The names are recognised; `naming` chooses where two sources share theirs. Convolutions (O, I, h, w) become
    (h, w, I, O), dense layers (O, I) become (I, O). `options` go before those of the source.

    Raises:
        InputError: an architecture without maps; tensors that are missing, unexpected or of another shape, all in one
            sentence that says which architecture the checkpoint looks like.
    """
    maps = maps_of(architecture, naming)
    key_map = max(maps, key=lambda each: _known(each, tensors))
    filled = _fill(key_map, tensors)
    chosen = dict(key_map.options) | _sizes(filled) | dict(options or {})
    n_classes = filled["params/head/bias"].value.shape[0] if "params/head/bias" in filled else 0
    expected = _expected(architecture, max(1, n_classes), chosen)
    if not n_classes:
        for path in ("params/head/kernel", "params/head/bias"):
            filled.setdefault(path, Tensor("", np.zeros(expected[path].shape)))
    problems = _problems(key_map, tensors, filled, expected)
    if problems:
        other = looks_like(tensors, besides=architecture)
        hint = f"it looks like {other}" if other else "it looks like none of the known architectures"
        raise InputError(f"the checkpoint is no {architecture} ({'; '.join(problems)}): {hint}.")
    arrays = {
        path: np.ascontiguousarray(tensor.value.reshape(expected[path].shape), np.float32)
        for path, tensor in filled.items()
    }
    return Converted(unflatten_dict(arrays, sep="/"), chosen, n_classes, key_map.source)


def looks_like(tensors: Mapping[str, np.ndarray], besides: str = "") -> str | None:
    """The architecture whose names and shapes the tensors have, a head of their own aside, or None."""
    for architecture, maps in KEY_MAPS.items():
        key_map = max(maps, key=lambda each: _known(each, tensors))
        if architecture == besides or _known(key_map, tensors) < 0.9 * len(tensors):
            continue
        filled = {path: tensor for path, tensor in _fill(key_map, tensors).items() if "/head/" not in path}
        options = dict(key_map.options) | _sizes(filled)
        expected = {path: s for path, s in _expected(architecture, 1, options).items() if "/head/" not in path}
        if not _problems(key_map, {tensor.name: tensor.value for tensor in filled.values()}, filled, expected):
            return architecture
    return None


def _expected(architecture: str, n_classes: int, options: Mapping[str, Any]) -> dict[str, Any]:
    """Path -> shape and type of every variable."""
    return dict(flatten_dict(shapes_of(architecture, n_classes, options=options), sep="/"))


def maps_of(architecture: str, naming: str = "") -> tuple[KeyMap, ...]:
    """The maps of an architecture, or the one named. Raises InputError where there is none."""
    if architecture not in KEY_MAPS:
        known = ", ".join(KEY_MAPS)
        raise InputError(f"architecture {architecture!r}: not one that others publish; one of {known}.")
    maps = tuple(each for each in KEY_MAPS[architecture] if naming in ("", each.source))
    if not maps:
        known = ", ".join(each.source for each in KEY_MAPS[architecture])
        raise InputError(f"naming {naming!r}: unknown for {architecture}; one of {known}.")
    return maps


def _known(key_map: KeyMap, tensors: Mapping[str, np.ndarray]) -> int:
    return sum(key_map.place(name) is not None or key_map.ignores(name) for name in tensors)


class Tensor(NamedTuple):
    """A foreign tensor, its axes in Flax's order."""

    name: str
    value: np.ndarray


def _fill(key_map: KeyMap, tensors: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    """Path -> tensor, for all tensors that the map knows."""
    filled = {}
    for name, value in tensors.items():
        place = key_map.place(name)
        if place is None:
            continue
        parts = np.array_split(value, len(place.targets)) if len(place.targets) > 1 else [value]
        for target, part in zip(place.targets, parts, strict=True):
            path, array = _leaf(target, place.kind, part)
            filled[path] = Tensor(name, array)
    return filled


def _leaf(target: str, kind: str, value: np.ndarray) -> tuple[str, np.ndarray]:
    if kind == "whole":
        return f"params/{target}", value
    if kind in ("mean", "var"):
        return f"batch_stats/{target}/{kind}", value
    if kind == "bias":
        return f"params/{target}/bias", value
    if value.ndim == 1:
        return f"params/{target}/scale", value
    return f"params/{target}/kernel", value.transpose(2, 3, 1, 0) if value.ndim == 4 else value.T


def _sizes(filled: Mapping[str, Tensor]) -> dict[str, Any]:
    """What the shapes tell: the image size of position embeddings, a head that takes the mean token as well."""
    if "params/positions" not in filled or "params/patches/kernel" not in filled:
        return {}
    positions, patches = filled["params/positions"].value, filled["params/patches/kernel"].value
    sizes: dict[str, Any] = {"image_size": round(np.sqrt(positions.shape[1] - 1)) * patches.shape[0]}
    head = filled.get("params/head/kernel")
    if head is not None and head.value.shape[0] == 2 * patches.shape[3]:
        sizes["pool"] = "cls_mean"
    return sizes


def _problems(
    key_map: KeyMap, tensors: Mapping[str, np.ndarray], filled: Mapping[str, Tensor], expected: Mapping[str, Any]
) -> list[str]:
    strange = [name for name in tensors if key_map.place(name) is None and not key_map.ignores(name)]
    strange += sorted({filled[path].name for path in filled.keys() - expected.keys()})
    missing = sorted(expected.keys() - filled.keys())
    reshaped = [
        f"{filled[path].name} {filled[path].value.shape} instead of {tuple(expected[path].shape)}"
        for path in sorted(expected.keys() & filled.keys())
        if not _fits(filled[path].value.shape, expected[path].shape)
    ]
    kinds = (("missing", missing), ("unexpected", strange), ("of another shape", reshaped))
    return [f"{len(names)} {title}: {_listed(names)}" for title, names in kinds if names]


def _listed(names: list[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")


def _fits(shape: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    """Equal but for axes of length one: a 1x1 convolution as a dense layer, (c, 1, 1) as (c,)."""
    return [side for side in shape if side > 1] == [side for side in expected if side > 1]


def n_params(variables: Mapping[str, Any]) -> int:
    """Trainable parameters, head included."""
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))
