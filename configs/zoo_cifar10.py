"""ResNet-20 on CIFAR-10, the reference model of the embedded zoo.

Command   lin-ft zoo train configs/zoo_cifar10.py --out lin_ft/zoo/embedded
Expected  test accuracy .886 on 10,000 held-out images (after the first cycle .860, the second .879); short of the
          .90 aimed at: the local copy of the images is JPEG-compressed, and longer cycles gain less and less
Tried     a fourth cycle, Restart(epochs=56, learning_rate=0.05, shift=4, weight_decay=5e-4, crop_epochs=34):
          .886 after 51 of its epochs (training accuracy .935); the state after 52, from which it can go on, is
          experiments/results/cifar10_cycle4.state.safetensors (as OUT/.cifar10-resnet20.state.safetensors)
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
