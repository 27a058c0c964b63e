"""What a training script leaves beside the tensors: the architecture, its arguments, the classes."""

import re
from collections.abc import Mapping
from typing import Any

from lin_ft.zoo.stated.statement import Statement
from lin_ft.zoo.stated.timm import named_architecture, variant_of
from lin_ft.zoo.stated.values import numbers, side_of

WHERE = "the checkpoint"
ARCHITECTURES = ("arch", "architecture", "model_name", "model", "backbone")
ARGUMENTS = ("args", "hyper_parameters", "config", "cfg", "opt")
SIZES = ("img_size", "input_size", "val_crop_size", "image_size")
CLASSES = ("class_names", "classes", "class_to_idx", "idx_to_class")

_FAMILY = re.compile("resne|efficientnet|vit|deit|convnext|densenet|mobilenet|squeezenet|dino")
_CLASS_NAMES = frozenset(
    {"resnet", "efficientnet", "visiontransformer", "convnext", "densenet", "mobilenetv2", "squeezenet"}
)
"""What timm writes as `arch` where it has no arguments: the class of the network, which is no architecture."""


def training_statement(beside: Mapping[str, Any]) -> Statement:
    """What a training script stored beside the weights.

    `beside`: what the file holds beside tensors. Names of architectures that are none of a known family, as "baseline",
    say nothing.

    Examples:
        >>> from lin_ft.zoo.stated import training_statement
        >>> training_statement({"arch": "resnet18", "epoch": 90}).architecture
        'resnet18'
    """
    arguments = next((value for key in ARGUMENTS if isinstance(value := beside.get(key), Mapping)), {})
    name = _architecture(beside) or _architecture(arguments)
    made_with = {
        **(arguments["model_kwargs"] if isinstance(arguments.get("model_kwargs"), Mapping) else {}),
        "bn_eps": arguments.get("bn_eps"),
        "global_pool": arguments.get("gp"),
    }
    named: dict[str, Any] = named_architecture(name, WHERE, made_with) if name else {"where": WHERE}
    listed = all(isinstance(arguments.get(key), (list, tuple)) for key in ("mean", "std"))
    return Statement(
        **named,
        mean=numbers(arguments["mean"], "mean", WHERE) if listed else (),
        std=numbers(arguments["std"], "std", WHERE) if listed else (),
        image_size=next((side for key in SIZES if (side := side_of(arguments.get(key)))), 0),
        interpolation=str(arguments.get("interpolation") or ""),
        class_names=next((found for key in CLASSES if (found := _classes(beside.get(key)))), ()),
    )


def _architecture(values: Mapping[str, Any]) -> str:
    for key in ARCHITECTURES:
        name = values.get(key)
        if (
            isinstance(name, str)
            and name.lower() not in _CLASS_NAMES
            and (variant_of(name) or _FAMILY.search(name.lower()))
        ):
            return name
    return ""


def _classes(value: Any) -> tuple[str, ...]:
    """A list of names, or a dict between names and numbers; a set has no order."""
    if isinstance(value, Mapping):
        pairs = [(name, index) if isinstance(index, int) else (index, name) for name, index in value.items()]
        if not all(isinstance(index, int) and isinstance(name, str) for name, index in pairs):
            return ()
        return tuple(name for name, _ in sorted(pairs, key=lambda pair: pair[1]))
    named = isinstance(value, (list, tuple)) and value and all(isinstance(each, str) for each in value)
    return tuple(value) if named else ()
