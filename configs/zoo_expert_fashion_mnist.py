"""An expert: the shared trunk of configs/zoo_shared.py trained on for one domain.

Command   lin-ft zoo train configs/zoo_shared.py --out zoo;
          lin-ft zoo train configs/zoo_expert_fashion_mnist.py --out zoo
Expected  the entry fashion_mnist-expert, at or above the single-domain model after a quarter of its epochs
Hardware  one CPU core, about 15 minutes (not run yet)
"""

from lin_ft.zoo.train import Recipe

config = Recipe(
    source="fashion_mnist",
    domain="product photographs, grey",
    licence="MIT",
    name="fashion_mnist-expert",
    epochs=5,
    full_epochs=3,
    flip=True,
    learning_rate=0.01,
    start="zoo/fashion_mnist-shared.safetensors",
)
