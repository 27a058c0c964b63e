"""The linearized network of configs/bench_linearized.py, with the target's batch statistics, where fine-tuning starts.

Command   lin-ft bench run configs/bench_linearized_target.py --out experiments/results/linearized_target --workers 2;
          the same with `bench pack`; lin-ft bench report configs/bench_core.py --out experiments/results/core
          --linearized experiments/results/linearized_target/table.parquet
Expected  the answer "Is the linearized network as good as the real one?": with the source's statistics it ends
          4.2 [0.2, 8.1] points lower at rate 0.01
Hardware  one worker a CPU core: 28 cells of fine-tuning, 98 s each (as with the source's statistics), 0.8 core-hours
"""

import dataclasses
import runpy
from pathlib import Path

source = runpy.run_path(str(Path(__file__).with_name("bench_linearized.py")))["config"]
config = dataclasses.replace(
    source,
    name="linearized_target",
    finetune=dataclasses.replace(source.finetune, statistics="target"),
)
