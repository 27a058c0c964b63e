"""ResNet-20 on digits drawn with a pen on a tablet.

Command   lin-ft zoo train configs/zoo_pendigits.py --out lin_ft/zoo/embedded
Expected  test accuracy .98 to .995 on 2,200 held-out images
Hardware  one CPU core (AVX-512), float32
Time      about 8 minutes
"""

from lin_ft.zoo.recipe import Recipe

config = Recipe(
    source="pendigits",
    domain="pen strokes",
    licence="UCI, research use",
    epochs=7,
    full_epochs=2,
    crop=28,
)
