"""A forward pass of a Flax linen module in training mode, each BatchNorm with blended statistics."""

import inspect
from typing import Any

import flax.linen as nn
from flax.traverse_util import flatten_dict, unflatten_dict

from lin_ft.batch_statistics.blend import Moments, blend, moments
from lin_ft.functions import LinenBody, ModelFunction
from lin_ft.typing import Params

TRAINING_ARGUMENTS = {"train": True, "training": True, "is_training": True, "use_running_average": False}
MEASURED = "measured"
"""The collection that a pass writes the target's statistics to."""


def measure(body: LinenBody, params: Params, frozen: Params, x: Any, share: Any) -> dict[str, Moments]:
    """Path of each layer that takes its batch's statistics in training mode -> those of its inputs."""

    def intercepted(call: Any, arguments: Any, options: Any, context: Any) -> Any:
        layer = context.module
        if isinstance(layer, nn.Dropout):
            return arguments[0]
        if not isinstance(layer, nn.BatchNorm) or context.method_name != "__call__":
            return call(*arguments, **options)
        of_call = dict(zip(("x", "use_running_average"), arguments, strict=False)) | options
        running = of_call.get("use_running_average")
        if layer.use_running_average if running is None else running:
            return call(*arguments, **options)
        target = moments(of_call["x"], layer.axis)
        for name, value in target.items():
            layer.put_variable(MEASURED, name, value)
        source = {name: layer.get_variable("batch_stats", name) for name in target}
        own = {"params": layer.variables.get("params", {}), "batch_stats": blend(target, source, share)}
        return layer.clone(parent=None, name=None, use_running_average=True).apply(own, of_call["x"])

    known = inspect.signature(getattr(type(body.module), body.method)).parameters
    training = {name: value for name, value in TRAINING_ARGUMENTS.items() if name in known}
    with nn.intercept_methods(intercepted):
        _, state = body.module.apply(
            {"params": params, **frozen}, x, method=body.method, mutable=[MEASURED], **training
        )  # fmt: skip
    flat = flatten_dict(dict(state.get(MEASURED, {})))
    layers = {name[:-1] for name in flat}
    return {"/".join(layer): {kind: flat[*layer, kind] for kind in ("mean", "var")} for layer in sorted(layers)}


def statistics(function: ModelFunction) -> dict[str, Moments]:
    """Layer -> {"mean", "var"} of the BatchNorms of a linen module, each (channels,); empty where it has none."""
    flat = flatten_dict(dict(function.frozen.get("batch_stats", {})))
    layers = {name[:-1] for name in flat}
    return {"/".join(layer): {kind: flat[*layer, kind] for kind in ("mean", "var")} for layer in layers}


def replaced(function: ModelFunction, layers: dict[str, Moments]) -> Params:
    """The frozen state with these layers' statistics."""
    flat = flatten_dict(dict(function.frozen["batch_stats"]))
    for layer, new in layers.items():
        flat |= {(*layer.split("/"), kind): value for kind, value in new.items()}
    return {**function.frozen, "batch_stats": unflatten_dict(flat)}
