"""ResNet-20 on typeset Latin capitals, split by font family.

Command   lin-ft zoo train configs/zoo_latin_glyphs.py --out lin_ft/zoo/embedded
Expected  test accuracy .93 to .98 on 2,800 held-out images
Hardware  one CPU core (AVX-512), float32
Time      about 12 minutes
"""

from lin_ft.zoo.recipe import Recipe

config = Recipe(
    source="latin_glyphs",
    domain="typeset glyphs",
    licence="OFL and other free font licences",
    epochs=7,
    full_epochs=2,
    crop=28,
)
