"""An expert: the shared trunk of configs/zoo_shared.py trained on for one domain.

Command   lin-ft zoo train configs/zoo_shared.py --out zoo;
          lin-ft zoo train configs/zoo_expert_fashion_mnist.py --out zoo
Expected  the entry fashion_mnist-expert, test accuracy .925 (single-domain model .924, the trunk it starts from .861)
Hardware  one CPU core, 15 minutes
"""

from lin_ft.zoo.recipe import Recipe

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
