"""ResNet-20 on CIFAR-10, the reference model of the embedded zoo.

Command   lin-ft zoo train configs/zoo_cifar10.py --out lin_ft/zoo/embedded
Expected  test accuracy .896 on 10,000 held-out images, after the cycles .860, .879, .886, .887, .895, .894, .896; short
          of the .90 aimed at, with longer cycles gaining less and less (the local copy of the images is
          JPEG-compressed; whether that is the cause has not been tested). The last three are taught by the networks of
          earlier ones, the last is averaged with the one before it
Hardware  one CPU core (AVX-512), float32
Time      about 740 minutes. The weights shipped are of a run whose last two cycles went on a core each at the same time
          and were averaged after it: what the command computes one after the other, but for rounding
"""

import dataclasses

from lin_ft.zoo.recipe import Recipe, Restart

last = Restart(epochs=26, learning_rate=0.02, shift=4, weight_decay=5e-4, final_rate=0.1, average=12, teachers=3)
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
        Restart(epochs=56, learning_rate=0.05, shift=4, weight_decay=5e-4, crop_epochs=34),
        Restart(epochs=25, learning_rate=0.02, shift=4, weight_decay=5e-4, final_rate=0.2, average=14, teachers=2),
        last,
        dataclasses.replace(last, beside=True),
    ),
    statistics_images=20_000,
)
