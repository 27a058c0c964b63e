"""Names of packaged trunks whose normalisation is folded into their convolutions; lin_ft.zoo.packaged makes them."""

from lin_ft.zoo.naming.key_map import KeyMap

FACE_RESNET = KeyMap(
    "face-api",
    (
        ("conv32_down", "stem"),
        ("conv32_{b}.conv{k}", "stage1_block{b}/conv{k}"),
        *(
            rule
            for stage, width in ((2, 64), (3, 128), (4, 256))
            for rule in (
                (f"conv{width}_down.conv{{k}}", f"stage{stage}_block1/conv{{k}}"),
                (f"conv{width}_{{b}}.conv{{k}}", f"stage{stage}_block{{b+1}}/conv{{k}}"),
            )
        ),
        ("conv256_down_out.conv{k}", "stage5_block1/conv{k}"),
    ),
    ignored=("fc.weight",),
)
"""`fc.weight` maps phi to 128 numbers: no classes."""

MOBILENET_V1 = KeyMap(
    "hse",
    (
        ("conv1", "stem"),
        ("conv_dw_{b}", "block{b}/depthwise"),
        ("conv_pw_{b}", "block{b}/pointwise"),
    ),
    ignored=("feats.{*}", "age_pred.{*}", "gender_pred.{*}"),
)
"""Of a network for age, gender and identity of faces, which has two heads on a hidden layer behind phi."""

FUSED = KeyMap(
    "ddddocr",
    (
        ("conv0", "stem"),
        *(
            (f"conv{2 * block + place}", f"block{block + 1}/{name}")
            for block in range(10)
            for place, name in ((1, "expand"), (2, "project"))
        ),
    ),
)
"""Convolutions by their place in the graph."""
