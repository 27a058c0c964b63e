"""The paper's 934 fine-tunings as a table of this benchmark: one row a fine-tuning, in the columns of `bench collect`.

Command   python -m experiments.paper.records
Expected  results/paper_errors/table.parquet, read by lin_ft.benchmark.collect as any other: family single for the 30
          experts (full data as shots 0, 20 and 5 shots), multi_domain for the multi-domain models
Hardware  1 CPU core, seconds
"""

import dataclasses
from pathlib import Path

import tyro

from experiments.paper.table import DATA, group_of, rows_of
from lin_ft.benchmark.collect import as_table, write_parquet

SHOTS = {"full": 0, "20shot": 20, "5shot": 5, "multi_domain_full": 0}
SOURCE = "Deshpande et al. 2021, arXiv 2102.00084"
RESULTS = Path(__file__).parents[1] / "results"


@dataclasses.dataclass(frozen=True)
class Records:
    """Write the table."""

    errors: Path = DATA / "paper_errors.csv"
    out: Path = RESULTS

    def run(self) -> None:
        rows = []
        for row in rows_of(self.errors):
            multi = row["regime"].startswith("multi_domain")
            rows.append(
                {
                    "part": "finetune", "status": "done", "model": row["model"], "task": row["target"],
                    "shots": SHOTS[row["regime"]], "seed": 0, "image_size": 224,
                    "test_accuracy": round(1 - float(row["top1_error_percent"]) / 100, 6),
                    "family": "multi_domain" if multi else "single", "source": SOURCE,
                    "architecture": "resnet101, domain adapters" if multi else group_of(row["model"]),
                }
            )  # fmt: skip
        table = as_table(rows)
        path = self.out / "paper_errors" / "table.parquet"
        write_parquet(table, path)
        print(f"{path}: {table.height} rows, {table.width} columns.")


if __name__ == "__main__":
    tyro.cli(Records, config=(tyro.conf.OmitArgPrefixes,)).run()
