"""What is taken of a checkpoint's network: what its source states, else what is given, else what is assumed and said.

A network's function (architecture, heads, padding, ...) is what the source states: who gives something else gets an
error. Mean and deviation may be given against it, for configurations are often copied.
"""

from collections.abc import Mapping
from typing import Any

from lin_ft.errors import InputError
from lin_ft.zoo.architectures import architecture as builder
from lin_ft.zoo.architectures import shapes_of
from lin_ft.zoo.convert import Converted, looks_like, maps_of
from lin_ft.zoo.stated import Statement
from lin_ft.zoo.stated.timm import TENSORFLOW, TORCH
from lin_ft.zoo.stated.values import HALF, IMAGENET

Norm = tuple[tuple[float, ...], tuple[float, ...]]
NORMS: dict[str, Norm] = {"imagenet": IMAGENET, "half": HALF, "none": ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))}
"""Mean and deviation of RGB in [0, 1]: torchvision's, [-1, 1] (TensorFlow, ViT), [0, 1]."""
PADDINGS = {"torch": TORCH, "same": TENSORFLOW}
"""What --padding takes, with the BatchNorm that goes with it in timm."""
SAME_NAMES = {
    "resnet18": "resnetblur18",
    "resnet50": "resnetaa50 and resnetblur50",
    "efficientnet_b0": "efficientnet_blur_b0",
}
"""Networks that are not had here, whose tensors have the names and shapes of one that is."""


def architecture_of(asked: str, stated: Statement, tensors: Mapping[str, Any]) -> str:
    """The architecture that is stated or, where none is, the one asked for.

    Raises:
        InputError: another one is stated, or one that is not had here; none is stated or asked for.
    """
    if asked:
        maps_of(asked)
    if not stated.called:
        if asked:
            return asked
        like = looks_like(tensors)
        hint = f"give --arch; it looks like {like}" if like else "give --arch"
        raise InputError(f"no architecture is given, and none is stated beside the weights: {hint}.")
    states = f"{stated.where} states the architecture {stated.called}"
    wrong = "if that belongs to other weights, move these to a folder of their own"
    if not stated.architecture:
        why = f" ({stated.reason})" if stated.reason else ""
        no = f", not {asked}" if asked else ""
        raise InputError(f"{states}{no}, and none of that kind is had here{why}; {wrong}.")
    if asked and asked != stated.architecture:
        raise InputError(f"{states}, not {asked}: give --arch {stated.architecture}; {wrong}.")
    return stated.architecture


def options_of(architecture: str, stated: Statement, naming: str) -> dict[str, Any]:
    """Stated options that the architecture takes.

    Raises:
        InputError: one that it does not take, or that contradicts the naming asked for.
    """
    known = builder(architecture)(1).__dataclass_fields__
    options = {
        name: value for name, value in stated.options.items() if (name, value) != ("epsilon", 1e-5) or name in known
    }
    for name, value in options.items():
        if name not in known:
            raise InputError(f"{stated.where} states {name} {value}, which {architecture} does not have here.")
    if naming:
        (key_map, *_) = maps_of(architecture, naming)
        for name, value in key_map.options.items():
            if options.get(name, value) != value:
                raise InputError(f"{stated.where} states {name} {options[name]}, naming {naming} means {value}.")
    return options


def with_given(converted: Converted, architecture: str, stated: Statement, heads: int, padding: str) -> Converted:
    """The converted checkpoint with the heads and the padding that were given.

    Raises:
        InputError: the architecture has no such choice, the source states another value, or the value is none.
    """
    known = builder(architecture)(1).__dataclass_fields__
    given: dict[str, Any] = {"heads": heads} if heads else {}
    if padding:
        if padding not in PADDINGS:
            raise InputError(f"--padding {padding}: give {' or '.join(PADDINGS)}.")
        given |= PADDINGS[padding] if converted.naming.startswith("timm") else {"padding": padding}
    for name in ("heads", "padding"):
        if name not in given:
            continue
        if name not in known:
            raise InputError(f"--{name} {given[name]}: {architecture} has no choice of {name}; leave it out.")
        if stated.options.get(name, given[name]) != given[name]:
            raise InputError(f"--{name} {given[name]}: {stated.where} states {stated.options[name]}; leave it out.")
    options = converted.options | given
    shapes_of(architecture, 1, options=options)  # InputError for heads that do not divide the width
    return converted._replace(options=options)


def norm_of(norm: str, stated: Statement) -> tuple[Norm, str]:
    """Mean and deviation, and what is to be said where they are assumed."""
    if norm:
        return named_norm(norm), ""
    if bool(stated.mean) != bool(stated.std):
        half = "a mean but no deviation" if stated.mean else "a deviation but no mean"
        raise InputError(f"{stated.where} states {half}: give both with --norm.")
    if stated.mean:
        return (stated.mean, stated.std), ""
    if stated.usual_norm:
        return stated.usual_norm, f"norm {_called(stated.usual_norm)}, usual for {stated.called} (--norm)"
    return IMAGENET, f"norm {_called(IMAGENET)} (--norm)"


def named_norm(text: str) -> Norm:
    """One of NORMS, or "m,m,m/s,s,s"."""
    if text in NORMS:
        return NORMS[text]
    try:
        mean, std = (tuple(map(float, part.split(","))) for part in text.split("/"))
    except ValueError:
        mean = std = ()
    if len(mean) != 3 or len(std) != 3 or min(std) <= 0:
        raise InputError(f"norm {text!r}: give {', '.join(NORMS)} or three means and deviations, 0.5,0.5,0.5/1,1,1.")
    return mean, std


def assumed_of(converted: Converted, architecture: str, stated: Statement, heads: int, padding: str) -> list[str]:
    """What neither the source nor the caller says of the network, and neither names nor shapes show."""
    assumed, options = [], converted.options
    if not stated.called:
        twins = f" (names and shapes are those of {SAME_NAMES[architecture]} too)" if architecture in SAME_NAMES else ""
        own = "its own activation, strides and pooling"
        assumed.append(f"architecture {architecture} with {own}{twins if converted.naming.startswith('timm') else ''}")
    module = builder(architecture)(1, **options)
    if hasattr(module, "heads") and not heads and "heads" not in stated.options:
        assumed.append(f"{module.heads} attention heads (--heads)")
    told = padding or "padding" in stated.options
    if converted.naming == "timm" and architecture.startswith("efficientnet") and not told:
        assumed.append(f"padding {options.get('padding', 'torch')}, not that of timm's tf_ networks (--padding)")
    if "resampling" in options and "resampling" not in stated.options:
        assumed.append(f"position embeddings resampled as {options['resampling']} does it")
    return assumed


def _called(norm: Norm) -> str:
    name = next((name for name, known in NORMS.items() if known == norm), "")
    return f"{name} (mean {','.join(map(str, norm[0]))}, std {','.join(map(str, norm[1]))})"
