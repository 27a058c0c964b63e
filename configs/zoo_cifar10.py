"""ResNet-20 on CIFAR-10, the reference model of the embedded zoo.

Command   lin-ft zoo train configs/zoo_cifar10.py --out lin_ft/zoo/embedded
Expected  test accuracy .886 on 10,000 held-out images (after the first cycle .860, the second .879); short of the
          .90 aimed at: the local copy of the images is JPEG-compressed, and longer cycles gain less and less
Tried     a fourth cycle, Restart(epochs=56, learning_rate=0.05, shift=4, weight_decay=5e-4, crop_epochs=34): .887;
          a fifth, Restart(epochs=25, learning_rate=0.02, shift=4, weight_decay=5e-4, final_rate=0.2, average=14,
          teachers=2), taught by the networks of the third and fourth and ending in averaged weights: .895, in about
          570 minutes. The matrix and the tables are of the model above. The networks of the fourth and fifth cycle,
          for going on, are experiments/results/cifar10_cycle4.safetensors and cifar10_cycle5.safetensors (card:
          cifar10_cycle5.json)
Hardware  one CPU core (AVX-512), float32
Time      about 360 minutes
"""

from lin_ft.zoo.recipe import Recipe, Restart

config = Recipe(
    source="cifar10",
    domain="photographs of objects",
    licence="research use",
    epochs=24,
    full_epochs=2,
    crop=24,
    flip=True,
    learning_rate=0.03,
    warmup=4 / 24,
    warmup_peak=0.0762,
    restarts=(
        Restart(epochs=25, learning_rate=0.03, shift=4),
        Restart(epochs=25, learning_rate=0.05, shift=4, weight_decay=5e-4),
    ),
    statistics_images=20_000,
)
