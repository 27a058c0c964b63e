"""Which weights train: a named choice, or a predicate on a leaf's path such as "stage3_block3/conv1/kernel"."""

import re
from collections.abc import Callable
from typing import Any, TypeAlias

import jax

from lin_ft.errors import InputError
from lin_ft.typing import Params

__all__ = ["Trainable", "merge", "paths_of", "split"]

Predicate: TypeAlias = Callable[[str], bool]
Trainable: TypeAlias = str | Predicate
"""`all`, `head`, `norm`, `last_block`, or a predicate on the path."""


def split(params: Params, trainable: Trainable = "all") -> tuple[Params, Params]:
    """(trainable, frozen): two trees of the structure of `params`, each with None where the other has the leaf.

    `all`: every leaf. `head`: params["head"]. `norm`: scales and biases of normalisation layers.
    `last_block`: the last of the numbered blocks, layers or stages. `norm` and `last_block` include the head,
    since new classes always train it. None is an empty tree to JAX and Optax, so each part can be
    differentiated and optimised as it is.

    Examples:
        >>> from lin_ft.trainable import split
        >>> split({"stem": {"kernel": 1.0}, "head": {"kernel": 2.0}}, "head")
        ({'head': {'kernel': 2.0}, 'stem': {'kernel': None}}, {'head': {'kernel': None}, 'stem': {'kernel': 1.0}})

    Raises:
        InputError: an unknown name, or a choice that selects nothing.
    """
    paths = list(paths_of(params))
    leaves, structure = jax.tree.flatten(params)
    chosen = selection(trainable, paths)
    return (
        jax.tree.unflatten(
            structure, [leaf if path in chosen else None for path, leaf in zip(paths, leaves, strict=True)]
        ),
        jax.tree.unflatten(
            structure, [None if path in chosen else leaf for path, leaf in zip(paths, leaves, strict=True)]
        ),
    )


def merge(trainable: Params, frozen: Params) -> Params:
    """The inverse of `split`.

    Examples:
        >>> from lin_ft.trainable import merge, split
        >>> merge(*split({"stem": {"kernel": 1.0}, "head": {"kernel": 2.0}}, "head"))
        {'head': {'kernel': 2.0}, 'stem': {'kernel': 1.0}}
    """
    return jax.tree.map(
        lambda left, right: right if left is None else left,
        trainable,
        frozen,
        is_leaf=lambda leaf: leaf is None,
    )


def selection(trainable: Trainable, paths: list[str]) -> set[str]:
    """The paths that `trainable` selects."""
    if callable(trainable):
        chosen = {path for path in paths if trainable(path)}
    elif trainable in NAMED:
        chosen = NAMED[trainable](paths)
    else:
        raise InputError(
            f"Unknown trainable weights '{trainable}'; known are {', '.join(NAMED)}, or a predicate on paths."
        )
    if not chosen:
        raise InputError(f"The choice of trainable weights {trainable!r} selects none of the {len(paths)} arrays.")
    return chosen


def last_block(paths: list[str]) -> str:
    """The path, as a prefix, of the last numbered block: "stage3_block3". Ordered by the numbers, not as text."""
    blocks = {block for path in paths if not _is_head(path) and (block := _block(path))}
    if not blocks:
        raise InputError("No numbered block (as in 'block3/conv1/kernel') is among the weights; give a predicate.")
    return max(blocks, key=natural)


def _block(path: str) -> str | None:
    """The path up to the first segment that ends in a number, and a number that follows: "layer4/1", "blocks/0"."""
    segments = path.split("/")[:-1]
    for end, segment in enumerate(segments, 1):
        if segment[-1].isdigit():
            prefix = "/".join(segments[: end + (end < len(segments) and segments[end].isdigit())])
            return prefix if _BLOCK.search(prefix) else None
    return None


def natural(text: str) -> list[tuple[int, int, str]]:
    """A key that sorts block10 behind block9."""
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.split(r"(\d+)", text)]


_BLOCK = re.compile(r"block|layer|stage|group", re.IGNORECASE)
_NORM = re.compile(r"norm|(^|[/_])bn(\d|$|_)|(^|[/_])ln(\d|$|_)", re.IGNORECASE)


def paths_of(params: Params) -> dict[str, Any]:
    """The leaves by their paths, such as "stage3_block3/conv1/kernel".

    Examples:
        >>> from lin_ft.trainable import paths_of
        >>> paths_of({"stem": {"kernel": 1.0}, "head": {"kernel": 2.0}})
        {'head/kernel': 2.0, 'stem/kernel': 1.0}
    """
    leaves = jax.tree_util.tree_leaves_with_path(params)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in leaves}


def _is_head(path: str) -> bool:
    return path.split("/")[0] == "head"


def _all(paths: list[str]) -> set[str]:
    return set(paths)


def _head(paths: list[str]) -> set[str]:
    return {path for path in paths if _is_head(path)}


def _norm(paths: list[str]) -> set[str]:
    norms = {path for path in paths if "/" in path and _NORM.search(path.rsplit("/", 1)[0])}
    return norms | _head(paths) if norms else set()


def _last_block(paths: list[str]) -> set[str]:
    block = last_block(paths)
    return {path for path in paths if path.startswith(block + "/")} | _head(paths)


NAMED: dict[str, Callable[[list[str]], set[str]]] = {
    "all": _all,
    "head": _head,
    "norm": _norm,
    "last_block": _last_block,
}
