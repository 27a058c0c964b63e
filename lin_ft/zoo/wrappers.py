"""Which of the tensors in a file are the network: training scripts keep them beside other things, under many names."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from lin_ft.errors import InputError

WRAPPERS = (
    "state_dict", "model_state_dict", "model_state", "model", "module", "net", "network", "weights", "params",
    "model_weights", "net_state_dict", "backbone", "checkpoint",
)  # fmt: skip
"""Under which training scripts save the weights, the first that is there first."""
UNKNOWN = len(WRAPPERS) + 1
"""The place of any other name; that of the file itself is before it."""
AVERAGED = re.compile(r"(^|_)(ema|swa|averaged|avg)(_|$)")
"""In the name under which averaged weights lie: state_dict_ema, model_ema, ema, swa_model, ..."""
STATE = re.compile(r"optim|sched|scaler|callback|loops|rng|param_groups|hyper_param|^args$|^config$|buffer_names")
"""Names of what training needs to go on, no network."""
DEPTH = 4
COMPARABLE = 0.4
"""Of two networks in a file the smaller has at least this share of the tensors: averages may lack statistics."""


class Found(NamedTuple):
    """The tensors of the network by their names, and what is to be said of the choice."""

    tensors: dict[str, np.ndarray]
    path: str
    """Where they lie: "model_ema", "state_dict.model", or empty."""
    notes: tuple[str, ...]


def network_in(value: Any) -> Found:
    """Averaged weights first (timm's order), then the wrappers in theirs, then whatever alone is there.

    Raises:
        InputError: no named tensors, or several networks under names that say nothing.
    """
    found = {path: tensors for path, tensors in _mappings(value, ()) if len(tensors)}
    most = max((len(tensors) for tensors in found.values()), default=0)
    if not most:
        named = f"no tensors but {listed(list(map(str, value)))}" if isinstance(value, Mapping) and value else ""
        raise InputError(f"it holds {named or 'no named tensors'}; save the model's state_dict")
    large = [path for path, tensors in found.items() if len(tensors) >= COMPARABLE * most]
    ordered = sorted(large, key=_order)
    path = ordered[0]
    unknown = [each for each in large if _order(each)[:2] == (1, UNKNOWN)]
    if path in unknown and len(unknown) > 1:
        names = ", ".join(".".join(each) for each in unknown)
        raise InputError(f"it holds several networks ({names}); save the state_dict of one alone")
    notes = []
    tensors = found[path]
    plain = next((each for each in ordered if not averaged(each)), None)
    if averaged(path):
        rather = f" rather than {'.'.join(plain)}" if plain else ""
        never = bool(_at(value, path).get("n_averaged", 1) == 0)
        notes.append(f"averaged weights taken: {'.'.join(path)}{rather}{' (n_averaged is 0: never averaged)' * never}")
        if plain:
            tensors, filled = _filled(tensors, found[plain])
            notes += [f"{filled} tensors that the averaged weights lack taken from {'.'.join(plain)}"] * (filled > 0)
    elif "n_averaged" in _at(value, path):
        notes.append(f"averaged weights taken: n_averaged is {int(_at(value, path)['n_averaged'])}")
    notes += _not_used(value, path, ordered)
    return Found(tensors, ".".join(path), tuple(notes))


def averaged(path: tuple[str, ...]) -> bool:
    """Whether a part of the path names running averages of weights, as EMA copies are called."""
    return any(AVERAGED.search(part.lower()) for part in path)


def _mappings(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], dict[str, np.ndarray]]]:
    """Every mapping of names to tensors, with its place. Numbers without a dot in their name are metrics."""
    if isinstance(value, (list, tuple)):
        value = dict(enumerate(value)) if not all(isinstance(each, np.ndarray) for each in value) else {}
    if not isinstance(value, Mapping) or len(path) > DEPTH:
        return
    tensors = {str(name): np.asarray(each) for name, each in value.items() if _tensor(str(name), each)}
    if any(each.ndim for each in tensors.values()):
        yield path, tensors
    for name, each in value.items():
        if not STATE.search(str(name).lower()):
            yield from _mappings(each, (*path, str(name)))


def _tensor(name: str, value: Any) -> bool:
    """An array of numbers, or one number with a dot in its name (num_batches_tracked)."""
    numeric = isinstance(value, (np.ndarray, np.generic)) and value.dtype.kind not in "USOMm"
    return numeric and (value.ndim > 0 or "." in name)


def _order(path: tuple[str, ...]) -> tuple[int, int, int]:
    """Averaged, then by the wrapper, then the file itself, then names that say nothing."""
    places = [WRAPPERS.index(part) if part in WRAPPERS else UNKNOWN for part in path]
    return (0 if averaged(path) else 1, max(places, default=UNKNOWN - 1), len(path))


def _at(value: Any, path: tuple[str, ...]) -> Mapping:
    for part in path:
        value = value[part] if isinstance(value, Mapping) and part in value else list(value)[int(part)]
    return value if isinstance(value, Mapping) else {}


def _filled(tensors: Mapping[str, np.ndarray], plain: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], int]:
    """Averages of the parameters alone, with the running statistics of the last step."""
    mine, others = ({bare(name): value for name, value in each.items()} for each in (tensors, plain))
    missing = others.keys() - mine.keys() if mine.keys() < others.keys() else set()
    return (mine | {name: others[name] for name in missing}, len(missing)) if missing else (dict(tensors), 0)


def bare(name: str) -> str:
    """The name without what wraps a whole network: module., _orig_mod., model., in any order."""
    return re.sub(r"^((module|_orig_mod|model)\.)+", "", name)


def _not_used(value: Any, path: tuple[str, ...], ordered: list[tuple[str, ...]]) -> list[str]:
    networks = {each[-1] for each in ordered if each and each[:-1] == path} | {"n_averaged"}
    beside = [str(name) for name, each in _at(value, path).items() if not _tensor(str(name), each)]
    beside = [name for name in beside if name not in networks]
    others = [".".join(each) for each in ordered[1:] if each and not averaged(path)]
    unnamed = [".".join(each) for each in _unnamed(value, ()) if averaged(each)]
    return (
        [f"left out, no tensors of a network: {listed(beside)}"] * bool(beside)
        + [f"left out, another network: {listed(others)}"] * bool(others)
        + [f"left out, averaged weights without names: {listed(unnamed)}"] * bool(unnamed)
    )


def _unnamed(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Places of lists of tensors."""
    if isinstance(value, (list, tuple)) and any(isinstance(each, np.ndarray) and each.ndim > 0 for each in value):
        yield path
    if isinstance(value, Mapping) and len(path) <= DEPTH:
        for name, each in value.items():
            yield from _unnamed(each, (*path, str(name)))


def listed(names: list[str], shown: int = 8) -> str:
    """The first names, and how many more there are."""
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")
