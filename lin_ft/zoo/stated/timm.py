"""timm's config.json, in its two forms, and timm's names of architectures, which say what tensors cannot.

Today's form keeps the description of the weights under `pretrained_cfg`, the older one has it at the top, with `labels`
for the names of the classes. An architecture's name states padding, normalisation, heads and pooling.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from lin_ft.errors import InputError
from lin_ft.models.activations import activation_named
from lin_ft.zoo.naming import KEY_MAPS
from lin_ft.zoo.stated.statement import Statement
from lin_ft.zoo.stated.values import HALF, IMAGENET, labels_of, numbers, side_of

TORCH, TENSORFLOW = {"padding": "torch", "epsilon": 1e-5}, {"padding": "same", "epsilon": 1e-3}
_HEADS = {"tiny": 3, "small": 6, "base": 12}


class Variant(NamedTuple):
    """An architecture of ours, the options it has under timm's name, and timm's usual mean and deviation."""

    architecture: str
    options: dict[str, Any]
    norm: tuple[tuple[float, ...], tuple[float, ...]]


def _vit(size: str, norm: tuple) -> Variant:
    return Variant(f"vit_{size}_16", {"heads": _HEADS[size], "resampling": "timm"}, norm)


_RESNET_FORMS = ("resnet{}", "tv_resnet{}", "gluon_resnet{}_v1b", "ssl_resnet{}", "swsl_resnet{}")
VARIANTS: dict[str, Variant] = {
    **{
        form.format(depth): Variant(f"resnet{depth}", {}, IMAGENET)
        for form in _RESNET_FORMS
        for depth in (18, 34, 50, 101)
    },
    "densenet169": Variant("densenet169", {}, IMAGENET),
    "mobilenetv2_100": Variant("mobilenet_v2", TORCH, IMAGENET),
    "mobilenet_v2": Variant("mobilenet_v2", TORCH, IMAGENET),
    "efficientnet_b0": Variant("efficientnet_b0", TORCH, IMAGENET),
    **{f"tf_efficientnet_b0{tag}": Variant("efficientnet_b0", TENSORFLOW, IMAGENET) for tag in ("", "_ap", "_ns")},
    **{f"efficientnet_lite{n}": Variant(f"efficientnet_lite{n}", TORCH, IMAGENET) for n in range(3)},
    **{f"tf_efficientnet_lite{n}": Variant(f"efficientnet_lite{n}", TENSORFLOW, HALF) for n in range(3)},
    "squeezenet1_1": Variant("squeezenet_11", {}, IMAGENET),
    **{
        f"convnext_tiny{tag}": Variant("convnext_tiny", {}, IMAGENET)
        for tag in ("", "_in22k", "_in22ft1k", "_384_in22ft1k")
    },
    **{
        f"vit_{size}_patch16_{tag}": _vit(size, HALF)
        for size in _HEADS
        for tag in ("224", "384", "224_in21k", "224_sam")
    },
    **{f"vit_{size}_patch16_224_dino": _vit(size, IMAGENET) for size in _HEADS},
    **{f"deit_{size}_patch16_{side}": _vit(size, IMAGENET) for size in _HEADS for side in (224, 384)},
    "vit_small_patch14_dinov2": Variant("dinov2_small_14", {"heads": 6, "resampling": "timm"}, IMAGENET),
    "vit_b_16": Variant("vit_base_16", {"heads": 12, "resampling": "torchvision"}, IMAGENET),
    **{name: Variant(name, {}, IMAGENET) for name in KEY_MAPS if name.startswith(("vit_", "dinov2_", "squeezenet_"))},
    "dinov2_vits14": Variant("dinov2_small_14", {"heads": 6, "resampling": "dinov2"}, IMAGENET),
}  # fmt: skip
"""timm's names (of today and of before); torchvision's, ours and DINOv2's where they differ."""
_ANTI_ALIASED = re.compile(r"net_?(aa|blur)")

APPLIED = frozenset({"num_heads", "act_layer", "bn_eps", "pad_type", "global_pool"})
"""Of model_args: what is read of them."""
SHOWN = frozenset(
    {
        "img_size", "in_chans", "num_classes", "embed_dim", "depth", "patch_size", "mlp_ratio", "qkv_bias",
        "init_values", "class_token", "depths", "dims", "layers", "reg_tokens", "stem_width",
        "channel_multiplier", "depth_multiplier", "ls_init_value", "conv_mlp", "proj_bias",
    }
)  # fmt: skip
"""Of model_args: what the tensors' shapes show."""
INERT = frozenset(
    {
        "drop_rate", "drop_path_rate", "drop_block_rate", "proj_drop_rate", "attn_drop_rate", "pos_drop_rate",
        "patch_drop_rate", "pretrained", "weight_init", "zero_init_last", "head_init_scale", "fix_init",
        "dynamic_img_size", "strict_img_size", "features_only", "drop_connect_rate", "bn_momentum",
        "scriptable", "exportable",
    }
)  # fmt: skip
"""Of model_args: what changes nothing when a network is only applied."""


def variant_of(name: str) -> Variant | None:
    """Of timm's name, with or without its tag: `tf_efficientnet_b0.ns_jft_in1k`; or of a name of ours.

    Examples:
        >>> from lin_ft.zoo.stated import variant_of
        >>> variant_of("tf_efficientnet_b0.ns_jft_in1k").architecture
        'efficientnet_b0'
    """
    plain, _, tag = name.lower().removeprefix("timm/").partition(".")
    found = VARIANTS.get(plain) or next(
        (variant for known, variant in VARIANTS.items() if _letters(known) == _letters(plain)), None
    )
    imagenet = found is not None and tag.split("_")[0] in ("dino", "mae", "fb", "deit")
    return found._replace(norm=IMAGENET) if found and imagenet else found


def timm_statement(config: Mapping[str, Any], where: str) -> Statement:
    """What a config.json of timm states. Raises InputError for a value that changes the network and is not had here."""
    nested = config.get("pretrained_cfg")
    described = {**config, **(nested if isinstance(nested, Mapping) else {})}
    name = str(config.get("architecture") or "")
    arguments = config.get("model_args")
    pool = {"global_pool": config["global_pool"]} if config.get("global_pool") else {}
    stated = named_architecture(name, where, pool | dict(arguments if isinstance(arguments, Mapping) else {}))
    labels = (config.get("label_names"), described.get("label_names"), described.get("labels"), config.get("id2label"))
    size = described.get("input_size") or config.get("image_size") or 0
    return Statement(
        **stated,
        mean=numbers(described.get("mean"), "mean", where),
        std=numbers(described.get("std"), "std", where),
        image_size=side_of(size),
        interpolation=str(described.get("interpolation") or ""),
        crop=float(described.get("crop_pct") or 0.0),
        class_names=next((names for each in labels if (names := labels_of(each, where))), ()),
        licence=str(described.get("license") or ""),
    )


def named_architecture(name: str, where: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a Statement that an architecture's name and the arguments it was made with state.

    Examples:
        >>> from lin_ft.zoo.stated import named_architecture
        >>> named_architecture("tf_efficientnet_b0", "config.json", {})["architecture"]
        'efficientnet_b0'
    """
    if not name:
        return {"where": where}
    found = variant_of(name)
    if found is None:
        reason = "its pooling is anti-aliased" if _ANTI_ALIASED.search(name) else ""
        return {"where": where, "called": name, "reason": reason}
    options = found.options | argument_options(arguments, found, where)
    return {
        "where": where, "called": name, "architecture": found.architecture, "options": options,
        "usual_norm": found.norm,
    }  # fmt: skip


def argument_options(arguments: Mapping[str, Any], variant: Variant, where: str) -> dict[str, Any]:
    """Options that timm's arguments of a model mean. Raises InputError for one that is neither known nor harmless."""
    options: dict[str, Any] = {}
    for name, value in arguments.items():
        if value is None or name in SHOWN | INERT:
            continue
        number = isinstance(value, (int, float))
        if name == "num_heads" and number:
            options["heads"] = int(value)
        elif name == "act_layer" and isinstance(value, str):
            options["activation"] = activation_named(value)
        elif name == "bn_eps" and number:
            options["epsilon"] = float(value)
        elif name == "pad_type" and value in ("", "same"):
            options["padding"] = "same" if value else "torch"
        elif name == "global_pool" and value in (("token", "") if "heads" in variant.options else ("avg", "fast", "")):
            continue
        else:
            raise InputError(f"{where} states {name} {value!r}, which {variant.architecture} does not have here.")
    return options


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
