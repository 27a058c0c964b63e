"""The linearized network trained in place of the real one, by the budget of the core matrix, on a part of it.

Four models and seven tasks, one seed, chosen before any cell was run.

Command   lin-ft bench run configs/bench_linearized.py --out experiments/results/linearized --workers 2; the same with
          `bench pack`; lin-ft bench report configs/bench_core.py --out experiments/results/core
          --linearized experiments/results/linearized/table.parquet
Expected  the answer "Is the linearized network as good as the real one?" in docs/results/linearized.md (make figures)
Hardware  one worker a CPU core: 28 cells of fine-tuning, 98 s each (median), 1.0 core-hours
"""

import dataclasses
import runpy
from pathlib import Path

core = runpy.run_path(str(Path(__file__).with_name("bench_core.py")))["config"]
config = dataclasses.replace(
    core,
    name="linearized",
    models=("cifar10-resnet20", "latin_glyphs-resnet20", "mnist_10k-resnet20", "cifar10-shared"),
    tasks=("optdigits", "satimage", "openmoji_color", "osu_leaf", "stamps", "elpv_cell_type", "icon_contexts"),
    development=("optdigits", "satimage", "openmoji_color", "osu_leaf"),
    seeds=(0,),
    also=(),
    scores=("label_gradient_cka",),
    source_shots=0,
    finetune=dataclasses.replace(core.finetune, network="linearized", head="random"),
)
