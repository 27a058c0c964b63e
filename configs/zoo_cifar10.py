"""ResNet-20 on CIFAR-10, the reference model of the embedded zoo.

Command   lin-ft zoo train configs/zoo_cifar10.py --out lin_ft/zoo/embedded
Expected  test accuracy .900 to .915 on 10,000 held-out images
Hardware  one CPU core (AVX-512), float32
Time      about 100 minutes
"""

from lin_ft.zoo.train import Recipe

config = Recipe(
    source="cifar10",
    epochs=28,
    full_epochs=6,
    crop=24,
    flip=True,
)
