"""Names of SqueezeNet 1.1, which timm and transformers do not have."""

from lin_ft.zoo.naming.key_map import KeyMap

_PLACES = (3, 4, 6, 7, 9, 10, 11, 12)
"""Of the fire modules among torchvision's `features`."""

TORCHVISION = KeyMap(
    "torchvision",
    (
        ("features.0", "stem"),
        *(
            (f"features.{place}.{old}", f"block{index + 1}/{new}")
            for index, place in enumerate(_PLACES)
            for old, new in (("squeeze", "squeeze"), ("expand1x1", "expand1"), ("expand3x3", "expand3"))
        ),
        ("classifier.1", "head"),
    ),
)

KEY_MAPS = (TORCHVISION,)
