"""ResNet-20 on animal silhouettes.

Command   lin-ft zoo train configs/zoo_animal_silhouettes.py --out lin_ft/zoo/embedded
Expected  test accuracy .90 to .97 on 2,000 held-out images
Hardware  one CPU core (AVX-512), float32
Time      about 10 minutes
"""

from lin_ft.zoo.recipe import Recipe

config = Recipe(
    source="animal_silhouettes",
    domain="silhouettes",
    licence="MIT",
    epochs=9,
    full_epochs=2,
    crop=28,
    flip=True,
)
