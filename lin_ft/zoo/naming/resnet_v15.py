"""Names of ResNet-18 to 101. torchvision's are timm's."""

from lin_ft.zoo.naming.key_map import KeyMap

TIMM = KeyMap(
    "timm or torchvision",
    (
        ("conv1", "stem"),
        ("bn1", "stem_norm"),
        ("layer{s}.{b}.conv{k}", "stage{s}_block{b+1}/conv{k}"),
        ("layer{s}.{b}.bn{k}", "stage{s}_block{b+1}/norm{k}"),
        ("layer{s}.{b}.downsample.0", "stage{s}_block{b+1}/shortcut"),
        ("layer{s}.{b}.downsample.1", "stage{s}_block{b+1}/shortcut_norm"),
        ("fc", "head"),
    ),
)

HUGGING_FACE = KeyMap(
    "huggingface",
    (
        ("embedder.embedder.convolution", "stem"),
        ("embedder.embedder.normalization", "stem_norm"),
        ("encoder.stages.{s}.layers.{b}.layer.{k}.convolution", "stage{s+1}_block{b+1}/conv{k+1}"),
        ("encoder.stages.{s}.layers.{b}.layer.{k}.normalization", "stage{s+1}_block{b+1}/norm{k+1}"),
        ("encoder.stages.{s}.layers.{b}.shortcut.convolution", "stage{s+1}_block{b+1}/shortcut"),
        ("encoder.stages.{s}.layers.{b}.shortcut.normalization", "stage{s+1}_block{b+1}/shortcut_norm"),
        ("classifier.1", "head"),
    ),
    prefixes=("resnet.",),
)

KEY_MAPS = (TIMM, HUGGING_FACE)

_PARTS = {"proj_shortcut": "shortcut", "branch2a": "conv1", "branch2b": "conv2", "branch2c": "conv3"}
_NORMS = {"proj_shortcut": "shortcut_norm", "branch2a": "norm1", "branch2b": "norm2", "branch2c": "norm3"}
OPEN_NSFW = KeyMap(
    "open_nsfw",
    (
        ("bn_1.conv", "stem"),
        ("bn_1.norm", "stem_norm"),
        *((f"bn_stage{{s}}_block{{b}}_{old}.conv", f"stage{{s+1}}_block{{b+1}}/{new}") for old, new in _PARTS.items()),
        *((f"bn_stage{{s}}_block{{b}}_{old}.norm", f"stage{{s+1}}_block{{b+1}}/{new}") for old, new in _NORMS.items()),
        ("fc_nsfw", "head"),
    ),
)
THIN = (OPEN_NSFW,)
"""Of the packaged content-moderation network, whose BatchNorm is folded into its convolutions."""
