"""ResNet-20 on 10,000 MNIST digits.

Command   lin-ft zoo train configs/zoo_mnist_10k.py --out lin_ft/zoo/embedded
Expected  test accuracy .985 to .995 on 2,000 held-out images
Hardware  one CPU core (AVX-512), float32
Time      about 10 minutes
"""

from lin_ft.zoo.recipe import Recipe

config = Recipe(
    source="mnist_10k",
    domain="handwritten digits",
    licence="MIT",
    epochs=9,
    full_epochs=2,
    crop=28,
)
