"""Everything that knows about devices: maps over blocks of examples, sums and Gram blocks over local devices.

Several processes (`jax.distributed`): each takes its share of the blocks, and the results are summed at the end.
One device: plain `jax.jit`. Several: `jax.pmap` over equal shares of each block. Every function here takes a
module-level `function` and caches its compiled form; `shared` is the same on all devices, blocks are split by
example.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from lin_ft.errors import InputError

_AXIS = "devices"
Devices: TypeAlias = tuple[Any, ...]
DeviceChoice: TypeAlias = Sequence[Any] | int | None
"""All local devices (None), the first few by number, or a sequence of JAX devices."""


def local(devices: DeviceChoice = None) -> Devices:
    """The devices to use: all local ones by default, the first few by number, or those given."""
    available = jax.local_devices()
    if devices is None:
        return tuple(available)
    if isinstance(devices, int):
        if not 1 <= devices <= len(available):
            raise InputError(f"{devices} devices were asked for, but {len(available)} are here.")
        return tuple(available[:devices])
    return tuple(devices)


def map_examples(function: Callable[..., Any], devices: Devices) -> Callable[..., Any]:
    """(shared, block) -> function(shared, block), each output with a leading axis of examples.

    The block's length must be a multiple of the number of devices. On several devices the outputs keep a
    leading axis of devices, as `outer` expects them. On one CPU a function's own `in_programs`, which gives the
    same by several compiled programs, takes its place.
    """
    compiled = _mapped(function, devices)
    if len(devices) == 1:
        return compiled
    return lambda shared, block: compiled(shared, _shares(block, len(devices)))


def map_shares(function: Callable[..., Any], devices: Devices) -> Callable[..., Any]:
    """(block, shared) -> function(block, shared) for blocks made by `map_examples`, and as it gives them."""
    return _each_share(function, devices)


def outer(function: Callable[..., Any], devices: Devices) -> Callable[..., Any]:
    """(left, right) -> function(left, right) for blocks made by `map_examples`.

    Output axes 0 = left, 1 = right, and the left one's axis of several devices before them, which `joined_shares` takes
    away.

    Each device holds its share of the left block and gathers the right one: one all-gather, no other traffic.
    """
    return _outer(function, devices)


def outer_sum(function: Callable[..., Any], devices: Devices) -> Callable[[Any, Any, Any], Any]:
    """(total, left, right) -> total + function(left, right), with `total` from `outer`; it is used up."""
    return _outer_sum(function, devices)


def joined_shares(out: Any, devices: Devices) -> np.ndarray:
    """What `outer` or `outer_sum` gave, as one array."""
    array = np.asarray(out)
    return array if len(devices) == 1 else array.reshape((-1, *array.shape[2:]))


def joined(devices: Devices) -> Callable[[Iterable[Any], int], Any]:
    """(parts, how many) -> the outputs of `map_examples` for several blocks of one size as one longer block.

    Each device appends to its own share, in place: memory of the whole and of one part.
    """
    start, put = _placed(devices)

    def join(parts: Iterable[Any], count: int) -> Any:
        if count == 1:
            return next(iter(parts))
        whole = None
        for index, part in enumerate(parts):
            whole = start(part, count) if whole is None else whole
            whole = jax.block_until_ready(put(whole, part, index))  # else all parts may be alive at once
        return whole

    return join


def sum_examples(
    function: Callable[..., Any], devices: Devices
) -> tuple[Callable[[Any], Any], Callable[..., Any], Callable[[Any], Any]]:
    """(start, add, finish) for sums of `function(shared, block)` over blocks of examples.

    `total = start(like)`, then `total = add(total, shared, block)` for each block of `my_share`, then
    `finish(total)`, which joins the processes of `jax.distributed` too. Each device keeps its own sum, in place, and
    one `psum` at the end joins them. A block starts when the one before it is done, so that memory does not grow with
    the number of blocks (JAX would otherwise queue them, each with its own summands).
    """
    compiled, join = _summed(function, devices)

    def add(total: Any, shared: Any, block: Any) -> Any:
        return compiled(jax.block_until_ready(total), shared, block)

    if len(devices) == 1:
        return _zeros, add, sum_over_processes

    def start(like: Any) -> Any:
        zeros = _zeros(like)
        return jax.tree.map(lambda leaf: jnp.zeros((len(devices), *leaf.shape), leaf.dtype), zeros)

    def add_shares(total: Any, shared: Any, block: Any) -> Any:
        return add(total, shared, _shares(block, len(devices)))

    return start, add_shares, lambda total: sum_over_processes(jax.tree.map(lambda leaf: leaf[0], join(total)))


def my_share(starts: Sequence[int]) -> list[int]:
    """Every k-th block from this process's number on, among the k processes of `jax.distributed` (one: all)."""
    return list(starts[jax.process_index() :: jax.process_count()])


def sum_over_processes(tree: Any) -> Any:
    """The sum over all processes of trees of arrays, on every process. One all-gather; one process: the tree itself."""
    if jax.process_count() == 1:
        return tree
    from jax.experimental import multihost_utils

    return jax.tree.map(lambda leaf: np.asarray(multihost_utils.process_allgather(np.asarray(leaf))).sum(0), tree)


def _zeros(like: Any) -> Any:
    return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), like)


def _shares(block: Any, count: int) -> Any:
    return jax.tree.map(lambda leaf: leaf.reshape((count, leaf.shape[0] // count, *leaf.shape[1:])), block)


@lru_cache(maxsize=64)
def _mapped(function: Callable[..., Any], devices: Devices) -> Callable[..., Any]:
    if len(devices) == 1 and devices[0].platform == "cpu" and hasattr(function, "in_programs"):
        return function.in_programs  # pyright: ignore[reportFunctionMemberAccess]
    if len(devices) == 1:
        return jax.jit(function)
    return jax.pmap(function, _AXIS, in_axes=(None, 0), devices=devices)


@lru_cache(maxsize=64)
def _outer(function: Callable[..., Any], devices: Devices) -> Callable[..., Any]:
    if len(devices) == 1:
        return jax.jit(function)

    def gathered(left: Any, right: Any) -> Any:
        return function(left, jax.tree.map(lambda leaf: jax.lax.all_gather(leaf, _AXIS, tiled=True), right))

    return jax.pmap(gathered, _AXIS, devices=devices)


@lru_cache(maxsize=64)
def _outer_sum(function: Callable[..., Any], devices: Devices) -> Callable[..., Any]:
    def added(total: Any, left: Any, right: Any) -> Any:
        return total + function(left, right)

    if len(devices) == 1:
        return jax.jit(added, donate_argnums=0)

    def gathered(total: Any, left: Any, right: Any) -> Any:
        return added(total, left, jax.tree.map(lambda leaf: jax.lax.all_gather(leaf, _AXIS, tiled=True), right))

    return jax.pmap(gathered, _AXIS, devices=devices, donate_argnums=0)


@lru_cache(maxsize=64)
def _each_share(function: Callable[..., Any], devices: Devices) -> Callable[..., Any]:
    if len(devices) == 1:
        return jax.jit(function)
    return jax.pmap(function, _AXIS, in_axes=(0, None), devices=devices)


@lru_cache(maxsize=64)
def _placed(devices: Devices) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def start(part: Any, count: int) -> Any:
        return jax.tree.map(lambda leaf: jnp.zeros((count * leaf.shape[0], *leaf.shape[1:]), leaf.dtype), part)

    def put(whole: Any, part: Any, index: Any) -> Any:
        def update(old: Any, new: Any) -> Any:
            return jax.lax.dynamic_update_slice_in_dim(old, new, index * new.shape[0], axis=0)

        return jax.tree.map(update, whole, part)

    if len(devices) == 1:
        return jax.jit(start, static_argnums=1), jax.jit(put, donate_argnums=0)
    return (
        jax.pmap(start, _AXIS, in_axes=(0, None), static_broadcasted_argnums=1, devices=devices),
        jax.pmap(put, _AXIS, in_axes=(0, 0, None), devices=devices, donate_argnums=0),
    )


@lru_cache(maxsize=64)
def _summed(function: Callable[..., Any], devices: Devices) -> tuple[Callable[..., Any], Callable[..., Any]]:
    def add(total: Any, shared: Any, block: Any) -> Any:
        return jax.tree.map(jnp.add, total, function(shared, block))

    if len(devices) == 1:
        return jax.jit(add, donate_argnums=0), lambda total: total

    def join(total: Any) -> Any:
        return jax.lax.psum(total, _AXIS)

    return (
        jax.pmap(add, _AXIS, in_axes=(0, None, 0), devices=devices, donate_argnums=0),
        jax.pmap(join, _AXIS, devices=devices),
    )


def map_points(
    function: Callable[..., Any],
    in_axes: tuple[int | None, ...],
    count: int,
    devices: Devices,
    *,
    halves: tuple[Callable[..., Any], Callable[..., Any]] | None = None,
) -> tuple[Callable[[Any], Any], Callable[..., Any], Callable[[Any], Any]]:
    """(place, mapped, collect): `function` over the leading axis of `count` points, by `vmap`.

    Arguments with axis 0 go through `place` first, or are outputs of `mapped`; those with axis None are shared by all
    points; `collect` gives outputs their leading axis of points again. One device: one compiled program, where a
    single point is not mapped at all; on a CPU it is two programs where `halves` = (first, second) are given, with
    function(*a) = second(first(*a), *a). Several: each has an equal share of the points (`pmap` of `vmap`), the last
    point repeated to fill, and what goes from step to step stays where it is.
    """
    if len(devices) == 1:
        if halves is not None and count == 1 and devices[0].platform == "cpu":
            return _same, _single_in_halves(*halves, in_axes), _same
        return _same, _mapped_points(function, in_axes, count == 1), _same
    size = -(-count // len(devices))
    chosen = np.minimum(np.arange(size * len(devices)), count - 1)

    def place(tree: Any) -> Any:
        return jax.tree.map(lambda leaf: np.asarray(leaf)[chosen].reshape((-1, size, *np.shape(leaf)[1:])), tree)

    def collect(tree: Any) -> Any:
        return jax.tree.map(lambda leaf: np.asarray(leaf).reshape((-1, *leaf.shape[2:]))[:count], tree)

    return place, _pmapped_points(function, in_axes, devices), collect


def _same(tree: Any) -> Any:
    return tree


@lru_cache(maxsize=64)
def _mapped_points(function: Callable[..., Any], in_axes: tuple[int | None, ...], single: bool) -> Callable[..., Any]:
    if not single:
        return jax.jit(jax.vmap(function, in_axes))

    def one(*arguments: Any) -> Any:
        return jax.tree.map(lambda leaf: leaf[None], function(*_only_point(arguments, in_axes)))

    return jax.jit(one)


def _only_point(arguments: tuple[Any, ...], in_axes: tuple[int | None, ...]) -> list[Any]:
    return [
        argument if axis is None else jax.tree.map(lambda leaf: leaf[0], argument)
        for argument, axis in zip(arguments, in_axes, strict=True)
    ]


@lru_cache(maxsize=64)
def _single_in_halves(
    first: Callable[..., Any], second: Callable[..., Any], in_axes: tuple[int | None, ...]
) -> Callable[..., Any]:
    compiled = jax.jit(lambda *arguments: first(*_only_point(arguments, in_axes)))

    @jax.jit
    def rest(given: Any, *arguments: Any) -> Any:
        return jax.tree.map(lambda leaf: leaf[None], second(given, *_only_point(arguments, in_axes)))

    return lambda *arguments: rest(compiled(*arguments), *arguments)


@lru_cache(maxsize=64)
def _pmapped_points(
    function: Callable[..., Any], in_axes: tuple[int | None, ...], devices: Devices
) -> Callable[..., Any]:
    return jax.pmap(jax.vmap(function, in_axes), _AXIS, in_axes=in_axes, devices=devices)
