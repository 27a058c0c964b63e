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

CAFFE = KeyMap(
    "caffe",
    (
        ("conv1", "stem"),
        *(
            (f"fire{{b}}.{old}", f"block{{b-1}}/{new}")
            for old, new in (("squeeze1x1", "squeeze"), ("expand1x1", "expand1"), ("expand3x3", "expand3"))
        ),
        ("conv10", "head"),
    ),
)
"""Of the authors' network, after lin_ft.zoo.tensorflow_names."""

KEY_MAPS = (TORCHVISION, CAFFE)
