"""Names of EfficientNet-B0 and of Lite0 to 2; `lukemelas` is the source of the packaged Lite weights."""

from lin_ft.models.efficientnet import positions
from lin_ft.zoo.naming.key_map import KeyMap

TENSORFLOW = {"padding": "same", "epsilon": 1e-3}
"""How TensorFlow pads and normalises, whose weights these are."""

_TIMM = (
    ("conv_stem", "stem"),
    ("bn1", "stem_norm"),
    ("blocks.0.{b}.conv_dw", "stage1_block{b+1}/depthwise"),
    ("blocks.0.{b}.bn1", "stage1_block{b+1}/depthwise_norm"),
    ("blocks.0.{b}.conv_pw", "stage1_block{b+1}/project"),
    ("blocks.0.{b}.bn2", "stage1_block{b+1}/project_norm"),
    ("blocks.{s}.{b}.conv_pw", "stage{s+1}_block{b+1}/expand"),
    ("blocks.{s}.{b}.bn1", "stage{s+1}_block{b+1}/expand_norm"),
    ("blocks.{s}.{b}.conv_dw", "stage{s+1}_block{b+1}/depthwise"),
    ("blocks.{s}.{b}.bn2", "stage{s+1}_block{b+1}/depthwise_norm"),
    ("blocks.{s}.{b}.se.conv_reduce", "stage{s+1}_block{b+1}/squeeze"),
    ("blocks.{s}.{b}.se.conv_expand", "stage{s+1}_block{b+1}/excite"),
    ("blocks.{s}.{b}.conv_pwl", "stage{s+1}_block{b+1}/project"),
    ("blocks.{s}.{b}.bn3", "stage{s+1}_block{b+1}/project_norm"),
    ("conv_head", "last"),
    ("bn2", "last_norm"),
    ("classifier", "head"),
)
TIMM = KeyMap("timm", _TIMM)
TIMM_TENSORFLOW = KeyMap("timm-tf", _TIMM, options=TENSORFLOW)
"""timm's tf_efficientnet_*: the same names, other arithmetic; a file does not tell them apart."""

TORCHVISION = KeyMap(
    "torchvision",
    (
        ("features.0.0", "stem"),
        ("features.0.1", "stem_norm"),
        ("features.8.0", "last"),
        ("features.8.1", "last_norm"),
        ("features.1.{b}.block.0.0", "stage1_block{b+1}/depthwise"),
        ("features.1.{b}.block.0.1", "stage1_block{b+1}/depthwise_norm"),
        ("features.1.{b}.block.1.fc1", "stage1_block{b+1}/squeeze"),
        ("features.1.{b}.block.1.fc2", "stage1_block{b+1}/excite"),
        ("features.1.{b}.block.2.0", "stage1_block{b+1}/project"),
        ("features.1.{b}.block.2.1", "stage1_block{b+1}/project_norm"),
        ("features.{s}.{b}.block.0.0", "stage{s}_block{b+1}/expand"),
        ("features.{s}.{b}.block.0.1", "stage{s}_block{b+1}/expand_norm"),
        ("features.{s}.{b}.block.1.0", "stage{s}_block{b+1}/depthwise"),
        ("features.{s}.{b}.block.1.1", "stage{s}_block{b+1}/depthwise_norm"),
        ("features.{s}.{b}.block.2.fc1", "stage{s}_block{b+1}/squeeze"),
        ("features.{s}.{b}.block.2.fc2", "stage{s}_block{b+1}/excite"),
        ("features.{s}.{b}.block.3.0", "stage{s}_block{b+1}/project"),
        ("features.{s}.{b}.block.3.1", "stage{s}_block{b+1}/project_norm"),
        ("classifier.1", "head"),
    ),
)

_FLAT_HUGGING_FACE = {
    "expansion.expand_conv": "expand",
    "expansion.expand_bn": "expand_norm",
    "depthwise_conv.depthwise_conv": "depthwise",
    "depthwise_conv.depthwise_norm": "depthwise_norm",
    "squeeze_excite.reduce": "squeeze",
    "squeeze_excite.expand": "excite",
    "projection.project_conv": "project",
    "projection.project_bn": "project_norm",
}
HUGGING_FACE = KeyMap(
    "huggingface",
    (
        ("embeddings.convolution", "stem"),
        ("embeddings.batchnorm", "stem_norm"),
        *(
            (f"encoder.blocks.{place}.{old}", f"stage{stage}_block{block}/{new}")
            for place, (stage, block) in enumerate(positions())
            for old, new in _FLAT_HUGGING_FACE.items()
        ),
        ("encoder.top_conv", "last"),
        ("encoder.top_bn", "last_norm"),
        ("classifier", "head"),
    ),
    prefixes=("efficientnet.",),
    options=TENSORFLOW | {"padding": "even"},
)


def _lukemelas(depth: float) -> KeyMap:
    rules = [("_conv_stem", "stem"), ("_bn0", "stem_norm")]
    for place, (stage, block) in enumerate(positions(depth, lite=True)):
        names = {
            "_expand_conv": "expand", "_bn0": "expand_norm", "_depthwise_conv": "depthwise", "_bn1": "depthwise_norm",
            "_project_conv": "project", "_bn2": "project_norm",
        }  # fmt: skip
        rules += [(f"_blocks.{place}.{old}", f"stage{stage}_block{block}/{new}") for old, new in names.items()]
    rules += [("_conv_head", "last"), ("_bn1", "last_norm"), ("_fc", "head")]
    return KeyMap("lukemelas", tuple(rules), options=TENSORFLOW)


KEY_MAPS = (TIMM, TIMM_TENSORFLOW, TORCHVISION, HUGGING_FACE)
LITE0, LITE1, LITE2 = ((TIMM, TIMM_TENSORFLOW, _lukemelas(depth)) for depth in (1.0, 1.1, 1.2))
