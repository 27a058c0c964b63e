"""The core matrix with the linearized network trained in place of the real one, by the same budget.

Command   lin-ft bench run configs/bench_linearized.py --workers 2; lin-ft bench collect configs/bench_linearized.py;
          lin-ft bench report configs/bench_core.py --linearized bench/linearized/table.parquet
Expected  a section "Is the linearized network as good as the real one?" in bench/core/report/report.md
Hardware  2 CPU cores: about a minute and a half a cell
"""

import dataclasses
import runpy
from pathlib import Path

core = runpy.run_path(str(Path(__file__).with_name("bench_core.py")))["config"]
config = dataclasses.replace(
    core,
    name="linearized",
    scores=("label_gradient_cka",),
    finetune=dataclasses.replace(core.finetune, network="linearized", head="random"),
)
