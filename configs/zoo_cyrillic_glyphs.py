"""ResNet-20 on typeset Cyrillic letters, split by font family.

Command   lin-ft zoo train configs/zoo_cyrillic_glyphs.py --out lin_ft/zoo/embedded
Expected  test accuracy .90 to .98 on 900 held-out images
Hardware  one CPU core (AVX-512), float32
Time      about 7 minutes
"""

from lin_ft.zoo.recipe import Recipe

config = Recipe(
    source="cyrillic_glyphs",
    domain="typeset glyphs",
    licence="OFL and other free font licences",
    epochs=10,
    full_epochs=3,
    crop=28,
)
