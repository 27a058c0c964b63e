"""ResNet-20 on Fashion-MNIST (product photographs).

Command   lin-ft zoo train configs/zoo_fashion_mnist.py --out lin_ft/zoo/embedded
Expected  test accuracy .92 to .93 on 10,000 held-out images
Hardware  one CPU core (AVX-512), float32
Time      about 40 to 70 minutes
"""

from lin_ft.zoo.recipe import Recipe, Restart

config = Recipe(
    source="fashion_mnist",
    domain="product photographs, grey",
    licence="MIT",
    epochs=5,
    full_epochs=1,
    crop=24,
    flip=True,
    restarts=(Restart(epochs=2, learning_rate=0.01),),
)
