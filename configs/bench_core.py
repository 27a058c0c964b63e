"""The core matrix: single- and multi-domain models on every held-out target, 10 images a class, 8 draws.

Command   lin-ft bench run configs/bench_core.py --out experiments/results/core --workers 2; the same with
          `bench collect` and `bench report` in place of `bench run` and its --workers
Budget    fixed beforehand: 150 steps of 32 images, SGD, learning rate 0.01 or 0.03 chosen on validation
Expected  one file a cell in experiments/results/core/cells, table.parquet, report/report.md with figures
Hardware  one worker a core (AVX-512): 7 s a cell of scores, 45 s of fine-tuning (67 s with adapters), 24 core-hours
"""

from lin_ft.benchmark.config import BenchConfig
from lin_ft.finetune import FinetuneConfig

config = BenchConfig(
    name="core",
    zoo="embedded,multi_domain",
    models=(
        "cifar10-resnet20",
        "fashion_mnist-resnet20",
        "mnist_10k-resnet20",
        "latin_glyphs-resnet20",
        "cyrillic_glyphs-resnet20",
        "animal_silhouettes-resnet20",
        "pendigits-resnet20",
        "speech_spectrograms-resnet20",
        "cifar10-multi_bn",
        "fashion_mnist-multi_bn",
        "latin_glyphs-multi_bn",
        "speech_spectrograms-multi_bn",
        "cifar10-shared",
        "cifar10-adapters",
        "fashion_mnist-expert",
    ),
    tasks=(
        "optdigits",
        "satimage",
        "hebrew_glyphs",
        "osu_leaf",
        "openmoji_color",
        "thai_glyphs",
        "elpv_cell_type",
        "elpv_defect",
        "indian_pines",
        "icon_contexts",
        "clip_art",
        "noto_emoji",
        "stamps",
        "photo_patches",
    ),
    shots=(10,),
    seeds=tuple(range(8)),
    source_shots=10,
    left_out=("image", "shot"),
    finetune=FinetuneConfig(steps=150, batch_size=32, learning_rates=(0.01, 0.03), test_every_point=True),
    # The half on which variants may be chosen: what the first, smaller matrix had, and the twin of one of them.
    development=(
        "optdigits",
        "satimage",
        "hebrew_glyphs",
        "osu_leaf",
        "openmoji_color",
        "thai_glyphs",
        "noto_emoji",
    ),
)
