"""Names of DenseNet-169. timm's are torchvision's; files of torchvision before 2018 write norm.1 for norm1."""

from lin_ft.zoo.naming.key_map import KeyMap

TORCHVISION = KeyMap(
    "timm or torchvision",
    (
        ("features.conv0", "stem"),
        ("features.norm0", "stem_norm"),
        ("features.denseblock{s}.denselayer{b}.norm{k}", "block{s}_layer{b}/norm{k}"),
        ("features.denseblock{s}.denselayer{b}.conv{k}", "block{s}_layer{b}/conv{k}"),
        ("features.denseblock{s}.denselayer{b}.norm.{k}", "block{s}_layer{b}/norm{k}"),
        ("features.denseblock{s}.denselayer{b}.conv.{k}", "block{s}_layer{b}/conv{k}"),
        ("features.transition{s}.norm", "transition{s}/norm"),
        ("features.transition{s}.conv", "transition{s}/conv"),
        ("features.norm5", "last_norm"),
        ("classifier", "head"),
    ),
)

KEY_MAPS = (TORCHVISION,)
