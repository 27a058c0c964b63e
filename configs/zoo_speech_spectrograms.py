"""ResNet-20 on speech spectrograms of five languages.

Command   lin-ft zoo train configs/zoo_speech_spectrograms.py --out lin_ft/zoo/embedded
Expected  test accuracy .90 to .99 on 1,200 held-out images
Hardware  one CPU core (AVX-512), float32
Time      about 8 minutes
"""

from lin_ft.zoo.recipe import Recipe

config = Recipe(
    source="speech_spectrograms",
    domain="speech spectrograms",
    licence="CC BY-SA 3.0",
    epochs=12,
    full_epochs=3,
    crop=28,
    shift=1,
)
