"""The table of predicted_measured for the packaged backbones, on their five tasks at 96 pixels.

Command   python -m experiments.figures.predicted_measured_packaged
Expected  results/figures/predicted_measured_packaged.md
Hardware  1 CPU core, seconds; nothing is trained
"""

import dataclasses

from experiments.common.figure import CONFIGS, RESULTS, Options, main
from experiments.figures.predicted_measured import Table

PACKAGED = RESULTS / "packaged" / "table.parquet"


def draw(options: Options) -> None:
    if options.table is None:
        options = dataclasses.replace(options, table=PACKAGED, config=CONFIGS / "bench_packaged.py", reference="")
    Table(**vars(options)).write("predicted_measured_packaged")


if __name__ == "__main__":
    main(draw)
