"""Names of MobileNetV2."""

from lin_ft.models.mobilenet_v2 import STAGES
from lin_ft.zoo.naming.key_map import KeyMap, Target

_STAGED = [(stage, index) for stage, (_, _, depth, _) in enumerate(STAGES) for index in range(depth)]
"""(stage, block) from 0 on; timm numbers so what is block1 to block17 here."""


def _timm_block(place: int, stage: int, index: int) -> tuple[tuple[str, Target], ...]:
    old, new = f"blocks.{stage}.{index}", f"block{place + 1}"
    if stage == 0:
        names = {"conv_dw": "depthwise", "bn1": "depthwise_norm", "conv_pw": "project", "bn2": "project_norm"}
    else:
        names = {
            "conv_pw": "expand", "bn1": "expand_norm", "conv_dw": "depthwise", "bn2": "depthwise_norm",
            "conv_pwl": "project", "bn3": "project_norm",
        }  # fmt: skip
    return tuple((f"{old}.{name}", f"{new}/{path}") for name, path in names.items())


TIMM = KeyMap(
    "timm",
    (
        ("conv_stem", "stem"),
        ("bn1", "stem_norm"),
        *(rule for place, at in enumerate(_STAGED) for rule in _timm_block(place, *at)),
        ("conv_head", "last"),
        ("bn2", "last_norm"),
        ("classifier", "head"),
    ),
)

TORCHVISION = KeyMap(
    "torchvision",
    (
        ("features.0.0", "stem"),
        ("features.0.1", "stem_norm"),
        ("features.1.conv.0.0", "block1/depthwise"),
        ("features.1.conv.0.1", "block1/depthwise_norm"),
        ("features.1.conv.1", "block1/project"),
        ("features.1.conv.2", "block1/project_norm"),
        ("features.18.0", "last"),
        ("features.18.1", "last_norm"),
        ("features.{b}.conv.0.0", "block{b}/expand"),
        ("features.{b}.conv.0.1", "block{b}/expand_norm"),
        ("features.{b}.conv.1.0", "block{b}/depthwise"),
        ("features.{b}.conv.1.1", "block{b}/depthwise_norm"),
        ("features.{b}.conv.2", "block{b}/project"),
        ("features.{b}.conv.3", "block{b}/project_norm"),
        ("classifier.1", "head"),
    ),
)

HUGGING_FACE = KeyMap(
    "huggingface",
    (
        ("conv_stem.first_conv.convolution", "stem"),
        ("conv_stem.first_conv.normalization", "stem_norm"),
        ("conv_stem.conv_3x3.convolution", "block1/depthwise"),
        ("conv_stem.conv_3x3.normalization", "block1/depthwise_norm"),
        ("conv_stem.reduce_1x1.convolution", "block1/project"),
        ("conv_stem.reduce_1x1.normalization", "block1/project_norm"),
        ("layer.{b}.expand_1x1.convolution", "block{b+2}/expand"),
        ("layer.{b}.expand_1x1.normalization", "block{b+2}/expand_norm"),
        ("layer.{b}.conv_3x3.convolution", "block{b+2}/depthwise"),
        ("layer.{b}.conv_3x3.normalization", "block{b+2}/depthwise_norm"),
        ("layer.{b}.reduce_1x1.convolution", "block{b+2}/project"),
        ("layer.{b}.reduce_1x1.normalization", "block{b+2}/project_norm"),
        ("conv_1x1.convolution", "last"),
        ("conv_1x1.normalization", "last_norm"),
        ("classifier", "head"),
    ),
    prefixes=("mobilenet_v2.",),
    options={"padding": "same", "epsilon": 1e-3},
)

_KERAS = {
    "expand": "expand", "expand_BN": "expand_norm", "depthwise": "depthwise", "depthwise_BN": "depthwise_norm",
    "project": "project", "project_BN": "project_norm",
}  # fmt: skip
KERAS = KeyMap(
    "keras",
    (
        ("Conv1", "stem"),
        ("bn_Conv1", "stem_norm"),
        *((f"expanded_conv_{old}", f"block1/{new}") for old, new in _KERAS.items()),
        *((f"block_{{b}}_{old}", f"block{{b+1}}/{new}") for old, new in _KERAS.items()),
        ("Conv_1", "last"),
        ("Conv_1_bn", "last_norm"),
        ("dense", "head"),
    ),
    options={"padding": "same", "epsilon": 1e-3},
)
"""Of Keras' MobileNetV2, after lin_ft.zoo.tensorflow_names."""

_SLIM = {
    "expand": "expand", "expand.BatchNorm": "expand_norm", "depthwise": "depthwise",
    "depthwise.BatchNorm": "depthwise_norm", "project": "project", "project.BatchNorm": "project_norm",
}  # fmt: skip
SLIM = KeyMap(
    "slim",
    (
        ("Conv", "stem"),
        ("Conv.BatchNorm", "stem_norm"),
        *((f"expanded_conv.{old}", f"block1/{new}") for old, new in _SLIM.items()),
        *((f"expanded_conv_{{b}}.{old}", f"block{{b+1}}/{new}") for old, new in _SLIM.items()),
        ("Conv_1", "last"),
        ("Conv_1.BatchNorm", "last_norm"),
    ),
    ignored=("layer_19_{*}", "{*}batchnorm.add.y"),
    prefixes=("FeatureExtractor.MobilenetV2.",),
    options={"padding": "same", "epsilon": 1e-3},
)
"""Of the trunk of TensorFlow's SSD detectors, whose own layers come after it."""

KEY_MAPS = (TIMM, TORCHVISION, HUGGING_FACE, KERAS, SLIM)
