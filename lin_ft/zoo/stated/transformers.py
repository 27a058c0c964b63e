"""transformers' config.json: which network of ours its sizes mean, and what they do not show."""

from collections.abc import Callable, Mapping
from typing import Any

from lin_ft.errors import InputError
from lin_ft.models.activations import activation_named
from lin_ft.zoo.stated.statement import Statement
from lin_ft.zoo.stated.values import HALF, IMAGENET, labels_of, numbers, side_of

Read = tuple[str, dict[str, Any]]
"""Architecture, empty where there is none of these sizes, and options."""

_RESNETS = {
    ("basic", (2, 2, 2, 2)): "resnet18",
    ("basic", (3, 4, 6, 3)): "resnet34",
    ("bottleneck", (3, 4, 6, 3)): "resnet50",
    ("bottleneck", (3, 4, 23, 3)): "resnet101",
}


class Config:
    """A configuration with the defaults of its class, which files leave out."""

    def __init__(self, values: Mapping[str, Any], where: str, **defaults: Any):
        self.values, self.where = {**defaults, **values}, where

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def only(self, name: str, *had: Any) -> None:
        """Raises InputError for a value that changes the network and is not had here."""
        if self.values[name] not in had:
            kind = self.values.get("model_type")
            raise InputError(f"{self.where} states {name} {self.values[name]!r}: no such {kind} is known here.")

    @property
    def activation(self) -> dict[str, str]:
        """The option `activation` as stated by `hidden_act`; InputError for one that no network here has."""
        try:
            return {"activation": activation_named(str(self["hidden_act"]))}
        except InputError as error:
            raise InputError(f"{self.where} states hidden_act {self['hidden_act']!r}: {error}") from error


def _resnet(values: Mapping[str, Any], where: str) -> Read:
    config = Config(
        values, where, layer_type="bottleneck", depths=(3, 4, 6, 3), hidden_act="relu",
        downsample_in_first_stage=False, downsample_in_bottleneck=False,
    )  # fmt: skip
    config.only("downsample_in_first_stage", False)
    config.only("hidden_act", "relu")  # another is used there between blocks alone
    name = _RESNETS.get((config["layer_type"], tuple(config["depths"])), "")
    return name, {"stride_first": True} if config["downsample_in_bottleneck"] else {}


def _vit(values: Mapping[str, Any], where: str) -> Read:
    config = Config(
        values, where, hidden_size=768, num_attention_heads=12, hidden_act="gelu", layer_norm_eps=1e-12, patch_size=16,
        num_hidden_layers=12,
    )  # fmt: skip
    sizes = {(192, 16): "vit_tiny_16", (384, 16): "vit_small_16", (768, 16): "vit_base_16"}
    name = sizes.get((config["hidden_size"], side_of(config["patch_size"])), "")
    return name if config["num_hidden_layers"] == 12 else "", _transformer(config)


def _dinov2(values: Mapping[str, Any], where: str) -> Read:
    config = Config(
        values, where, hidden_size=768, num_attention_heads=12, hidden_act="gelu", layer_norm_eps=1e-6, patch_size=14,
        num_hidden_layers=12, use_swiglu_ffn=False, apply_layernorm=True,
    )  # fmt: skip
    config.only("use_swiglu_ffn", False)
    small = (config["hidden_size"], side_of(config["patch_size"]), config["num_hidden_layers"]) == (384, 14, 12)
    return "dinov2_small_14" if small else "", _transformer(config)


def _transformer(config: Config) -> dict[str, Any]:
    sizes = {"heads": int(config["num_attention_heads"]), "epsilon": float(config["layer_norm_eps"])}
    return sizes | config.activation | {"resampling": "transformers"}


def _convnext(values: Mapping[str, Any], where: str) -> Read:
    config = Config(
        values, where, depths=(3, 3, 9, 3), hidden_sizes=(96, 192, 384, 768), hidden_act="gelu", layer_norm_eps=1e-12
    )
    tiny = (tuple(config["depths"]), tuple(config["hidden_sizes"])) == ((3, 3, 9, 3), (96, 192, 384, 768))
    return "convnext_tiny" if tiny else "", config.activation | {"last_epsilon": float(config["layer_norm_eps"])}


def _efficientnet(values: Mapping[str, Any], where: str) -> Read:
    config = Config(
        values, where, width_coefficient=2.0, depth_coefficient=3.1, hidden_act="swish", batch_norm_eps=1e-3,
        depthwise_padding=(), pooling_type="mean",
    )  # fmt: skip
    config.only("pooling_type", "mean")
    config.only("depthwise_padding", [], ())
    b0 = (config["width_coefficient"], config["depth_coefficient"]) == (1.0, 1.0)
    return "efficientnet_b0" if b0 else "", config.activation | {
        "padding": "even",
        "epsilon": float(config["batch_norm_eps"]),
    }


def _mobilenet_v2(values: Mapping[str, Any], where: str) -> Read:
    config = Config(
        values, where, depth_multiplier=1.0, hidden_act="relu6", tf_padding=True, layer_norm_eps=1e-3, output_stride=32,
        first_layer_is_expansion=True,
    )  # fmt: skip
    config.only("output_stride", 32)
    config.only("first_layer_is_expansion", True)
    padding = "same" if config["tf_padding"] else "torch"
    options = config.activation | {"padding": padding, "epsilon": float(config["layer_norm_eps"])}
    return "mobilenet_v2" if config["depth_multiplier"] == 1.0 else "", options


KINDS: dict[str, tuple[Callable[[Mapping[str, Any], str], Read], tuple]] = {
    "resnet": (_resnet, IMAGENET),
    "vit": (_vit, HALF),
    "vit_msn": (_vit, IMAGENET),
    "dinov2": (_dinov2, IMAGENET),
    "convnext": (_convnext, IMAGENET),
    "efficientnet": (_efficientnet, IMAGENET),
    "mobilenet_v2": (_mobilenet_v2, HALF),
}
"""model_type -> how it is read, and the mean and deviation of its image processor where no file says."""


def transformers_statement(config: Mapping[str, Any], where: str) -> Statement:
    """What a config.json of transformers states. Raises InputError for a value that is not had here."""
    kind = str(config.get("model_type") or "")
    name, options, norm = "", {}, None
    if kind in KINDS:
        read, norm = KINDS[kind]
        name, options = read(config, where)
    return Statement(
        where,
        called=_called(config, kind) if kind else "",
        architecture=name,
        options=options if name else {},
        usual_norm=norm,
        mean=numbers(config.get("image_mean"), "mean", where),
        std=numbers(config.get("image_std"), "std", where),
        image_size=side_of(config.get("image_size")),
        class_names=labels_of(config.get("id2label"), where),
    )


def _called(config: Mapping[str, Any], kind: str) -> str:
    """The kind with the sizes that tell its networks apart: "vit (hidden_size 192)"."""
    sizes = (
        "layer_type",
        "depths",
        "hidden_size",
        "num_hidden_layers",
        "patch_size",
        "width_coefficient",
        "depth_multiplier",
    )
    told = ", ".join(f"{name} {config[name]}" for name in sizes if name in config)
    return f"{kind} ({told})" if told else kind
