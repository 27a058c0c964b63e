"""The core matrix: single- and multi-domain models on every held-out target, 10 images a class, 8 draws; then 20 images
a class, the paper's own few-shot setting, and 5, on 2 draws each.

Left out at 20 images: osu_leaf, whose smallest class has 15 training images. Of stamps 6 images a class validate there,
not 10.

Command   lin-ft bench run configs/bench_core.py --out experiments/results/core --workers 2 (--shots 20 for these alone,
          --part scores, --seeds 2 3); `bench pack` and `bench report` in place of `bench run` and its options
Budget    fixed beforehand: 150 steps of 32 images, SGD, learning rate 0.01 or 0.03 chosen on validation
Expected  finetune.jsonl.gz, scores.jsonl.gz, table.parquet, report/report.md with figures in experiments/results/core
Hardware  one worker a core (AVX-512): 7 s a cell of scores, 45 s of fine-tuning (67 s with adapters), 24 core-hours
"""

from lin_ft.benchmark.config import BenchConfig, FurtherDraws
from lin_ft.finetune import FinetuneConfig

TASKS = (
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
)
TOO_SMALL = ("osu_leaf",)
"""At 20 images a class."""

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
    tasks=TASKS,
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
    also=(
        FurtherDraws(shots=(20,), seeds=(0, 1), tasks=tuple(task for task in TASKS if task not in TOO_SMALL)),
        FurtherDraws(shots=(5,), seeds=(0, 1)),
    ),
)
