"""Foreign tensors to variables of a Flax module: every tensor is used or named, every variable is filled."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict

from lin_ft.errors import InputError
from lin_ft.zoo.architectures import shapes_of
from lin_ft.zoo.naming import KEY_MAPS, KeyMap
from lin_ft.zoo.prefixes import unwrapped, without_prefix
from lin_ft.zoo.wrappers import listed

LIKE = 0.5
"""A checkpoint looks like an architecture of which it has this share of the tensors, in their shapes."""


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
    notes: tuple[str, ...] = ()
    """What was left out, and which of several weights were taken."""


def convert(
    tensors: Mapping[str, np.ndarray], architecture: str, *, naming: str = "", options: Mapping[str, Any] | None = None
) -> Converted:
    """The variables of `architecture` from tensors named as its source names them, whatever stands before the names.

    The names are recognised; `naming` chooses where two sources share theirs. Convolutions (O, I, h, w) become
    (h, w, I, O), dense layers (O, I) become (I, O). `options` go before those of the source. A head that is not one
    dense layer on the features is left out.

    Raises:
        InputError: an architecture without maps; tensors that are missing, unexpected, of another shape or of whole
            numbers, all in one sentence that says which architecture the checkpoint looks like.
    """
    tensors = unwrapped(tensors)
    found = {each: without_prefix(tensors, each) for each in maps_of(architecture, naming)}
    key_map = max(found, key=lambda each: found[each].known)
    own = found[key_map].tensors
    filled = _fill(key_map, own)
    chosen = dict(key_map.options) | _sizes(filled) | dict(options or {})
    head = key_map.of_head(own)
    notes = list(found[key_map].notes)
    if reason := _foreign_head(key_map, filled, head, _expected(architecture, 1, chosen)):
        notes.append(f"head left out, {reason}: {listed(head)}; ranking and fine-tuning put a new one in its place")
        own = {name: value for name, value in own.items() if name not in head}
        filled = {path: tensor for path, tensor in filled.items() if "/head/" not in path}
    n_classes = filled["params/head/kernel"].value.shape[-1] if "params/head/kernel" in filled else 0
    expected = _expected(architecture, max(1, n_classes), chosen)
    for path in ("params/head/kernel", "params/head/bias"):  # none, or one without a bias
        filled.setdefault(path, Tensor("", np.zeros(expected[path].shape)))
    problems = _problems(key_map, own, filled, expected)
    if problems:
        raise InputError(
            f"the checkpoint is no {architecture} ({'; '.join(problems)}): {_hint(tensors, architecture)}."
        )
    arrays = {
        path: np.ascontiguousarray(tensor.value.reshape(expected[path].shape), np.float32)
        for path, tensor in filled.items()
    }
    return Converted(unflatten_dict(arrays, sep="/"), chosen, n_classes, key_map.source, tuple(notes))


def looks_like(tensors: Mapping[str, np.ndarray]) -> str | None:
    """The architecture whose names and shapes most of the tensors have, heads aside, or None."""
    like = _closest(unwrapped(tensors))
    return like[0] if like else None


def _closest(tensors: Mapping[str, np.ndarray]) -> tuple[str, float] | None:
    """It and the share of the tensors that fit."""
    shares = {architecture: _share(tensors, architecture) for architecture in KEY_MAPS}
    best = max(shares, key=lambda each: shares[each])
    return (best, shares[best]) if shares[best] >= LIKE else None


def _hint(tensors: Mapping[str, np.ndarray], asked: str) -> str:
    like = _closest(tensors)
    if not like:
        return "it looks like none of the known architectures"
    name, share = like
    if name == asked or _share(tensors, asked) >= share:
        return f"it looks like {asked}, as asked for, but for that ({_share(tensors, asked):.0%} of the tensors fit)"
    return f"it looks like {name}" if share == 1 else f"it looks most like {name} ({share:.0%} of the tensors fit)"


def _share(tensors: Mapping[str, np.ndarray], architecture: str) -> float:
    """Tensors that fit, of those that are there or should be, heads aside."""
    best = 0.0
    for key_map in KEY_MAPS[architecture]:
        try:
            own = without_prefix(tensors, key_map).tensors
        except InputError:  # several networks: another matter
            continue
        head = set(key_map.of_head(own))
        there = [name for name in own if name not in head and not key_map.ignores(name)]
        if key_map.known(there) < LIKE * len(there):
            continue
        filled = _fill(key_map, {name: own[name] for name in there})
        expected = _expected(architecture, 1, dict(key_map.options) | _sizes(filled))
        expected = {path: shape for path, shape in expected.items() if "/head/" not in path}
        fitting = sum(path in expected and _fits(tensor.value, expected[path]) for path, tensor in filled.items())
        strange = sum(key_map.place(name) is None for name in there)
        best = max(best, fitting / (len(expected.keys() | filled.keys()) + strange))
    return best


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
    if positions.ndim != 3 or patches.ndim != 4:
        return {}
    sizes: dict[str, Any] = {"image_size": round(np.sqrt(positions.shape[1] - 1)) * patches.shape[0]}
    head = filled.get("params/head/kernel")
    if head is not None and head.value.shape[0] == 2 * patches.shape[3]:
        sizes["pool"] = "cls_mean"
    return sizes


def _foreign_head(key_map: KeyMap, filled: Mapping[str, Tensor], head: list[str], expected: Mapping[str, Any]) -> str:
    """Why the head is not one dense layer on the features; empty where it is, or where there is none."""
    if not head:
        return ""
    strange = [name for name in head if key_map.place(name) is None]
    kernel = filled.get("params/head/kernel")
    if strange or kernel is None:
        return "it is not one dense layer"
    features = expected["params/head/kernel"].shape[0]
    return "" if kernel.value.shape[-2] == features else f"it takes {kernel.value.shape[-2]} features, not {features}"


def _problems(
    key_map: KeyMap, tensors: Mapping[str, np.ndarray], filled: Mapping[str, Tensor], expected: Mapping[str, Any]
) -> list[str]:
    strange = [name for name in tensors if key_map.place(name) is None and not key_map.ignores(name)]
    strange += sorted({filled[path].name for path in filled.keys() - expected.keys()})
    missing = sorted(expected.keys() - filled.keys())
    both = sorted(expected.keys() & filled.keys())
    reshaped = [
        f"{filled[path].name} {filled[path].value.shape} instead of {tuple(expected[path].shape)}"
        for path in both
        if not _fits(filled[path].value, expected[path])
    ]
    whole = [f"{filled[path].name} {filled[path].value.dtype}" for path in both if not _real(filled[path].value)]
    kinds = (("missing", missing), ("unexpected", strange), ("of another shape", reshaped))
    kinds += (("of a type that weights do not have", whole),)
    return [f"{len(names)} {title}: {listed(names)}" for title, names in kinds if names]


def _fits(value: np.ndarray, expected: Any) -> bool:
    """Equal but for axes of length one: a 1x1 convolution as a dense layer, (c, 1, 1) as (c,)."""
    return [side for side in value.shape if side > 1] == [side for side in expected.shape if side > 1]


def _real(value: np.ndarray) -> bool:
    """Real numbers, not whole ones: quantised weights mean nothing without their scale."""
    return value.dtype.kind == "f" or "float" in value.dtype.name


def n_params(variables: Mapping[str, Any]) -> int:
    """Trainable parameters, head included."""
    return sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))
