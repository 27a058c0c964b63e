"""A forward pass of a Flax nnx module, each BatchNorm with blended statistics."""

from typing import Any

from flax import nnx

from lin_ft.batch_statistics.blend import Moments, blend, moments
from lin_ft.functions import ModelFunction, NnxBody
from lin_ft.typing import Params


class _Blended(nnx.Module):
    """In a BatchNorm's place: measures its inputs, then lets it work with blended statistics."""

    def __init__(self, layer: nnx.BatchNorm, share: Any):
        self.layer, self.share = layer, share
        self.measured: Any = nnx.data(None)

    def __call__(self, x: Any, *_: Any, **__: Any) -> Any:
        self.measured = moments(x, self.layer.axis)
        _set(self.layer, blend(self.measured, _of(self.layer), self.share))
        return self.layer(x, use_running_average=True)


def measure(body: NnxBody, params: Params, frozen: Params, x: Any, share: Any) -> dict[str, Moments]:
    """Path of each BatchNorm that the function goes through -> statistics of its inputs."""
    module = body.module(params, frozen)
    inside: dict[Any, Any] = dict(nnx.iter_modules(module))
    watching = {}
    for path, layer in _layers(module).items():
        parent, last = inside[path[:-1]], path[-1]
        watching[path] = _Blended(layer, share)
        if isinstance(last, int):
            parent[last] = watching[path]
        else:
            setattr(parent, last, watching[path])
    getattr(module, body.method)(x)
    return {_name(path): each.measured for path, each in watching.items() if each.measured is not None}


def statistics(function: ModelFunction, params: Params) -> dict[str, Moments]:
    """Layer -> {"mean", "var"} of the BatchNorms of an nnx module, each (channels,); empty where it has none."""
    module = function.body.module(params, function.frozen)  # pyright: ignore[reportFunctionMemberAccess]
    return {_name(path): _of(layer) for path, layer in _layers(module).items()}


def replaced(function: ModelFunction, params: Params, layers: dict[str, Moments]) -> Params:
    """The frozen state with these layers' statistics."""
    module = function.body.module(params, function.frozen)  # pyright: ignore[reportFunctionMemberAccess]
    for path, layer in _layers(module).items():
        _set(layer, layers.get(_name(path), {}))
    return {"state": nnx.split(module, nnx.Param, ...)[2]}


def _layers(module: Any) -> dict[tuple[Any, ...], nnx.BatchNorm]:
    return {path: layer for path, layer in nnx.iter_modules(module) if isinstance(layer, nnx.BatchNorm)}


def _of(layer: nnx.BatchNorm) -> Moments:
    return {"mean": layer.mean[...], "var": layer.var[...]}


def _set(layer: nnx.BatchNorm, new: Moments) -> None:
    for kind, value in new.items():
        variable = getattr(layer, kind)
        variable[...] = value.astype(variable.dtype)


def _name(path: tuple[Any, ...]) -> str:
    return "/".join(map(str, path))
