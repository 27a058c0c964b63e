"""Is the ranking of real backbones right? The tables of verify_ranking.py from the matrix of configs/bench_packaged.py.

Command   python -m experiments.verify_packaged --markdown experiments/results/verify_packaged.md
Expected  predicted and measured accuracy of 8 models on 5 tasks, and how each score ranks them
Hardware  seconds; the cells took about two hours on one CPU core
"""

import dataclasses
from pathlib import Path
from typing import Any

import tyro

from experiments.verify_ranking import COMPARED_HEADS, show
from lin_ft.benchmark.collect import read_parquet


@dataclasses.dataclass(frozen=True)
class Config:
    """Tables of the packaged zoo's fine-tuning, as Markdown."""

    table: Path = Path("experiments/results/packaged/table.parquet")
    """Of `lin-ft bench collect`."""
    reference: str = "imagenet_mobilenet_v2"
    markdown: Path | None = None


def as_cell(row: dict[str, Any], reference: str) -> dict[str, Any]:
    """A row of the matrix in the form of verify_ranking's cells."""
    heads = {
        head: {
            "predicted_accuracy": row[f"score/predicted_accuracy/{head}"],
            "predicted_loss": -row[f"score/predicted_loss/{head}"],
            "label_gradient": row[f"score/label_gradient/{head}"],
            "label_feature_correlation": row["score/label_feature_correlation"],
        }
        for head in COMPARED_HEADS
    }
    cell = {name: row[name] for name in ("task", "model", "seed", "n_params")} | heads
    cell |= {"k_nearest_neighbours": row["score/nearest_neighbours"], "reference": reference}
    return cell | {"finetuned": {"test_accuracy": row["test_accuracy"]}, "source_accuracy": row["source_test_accuracy"]}


def main(config: Config) -> None:
    rows = read_parquet(config.table).drop_nulls("test_accuracy").iter_rows(named=True)
    show([as_cell(row, config.reference) for row in rows], config.markdown)


if __name__ == "__main__":
    main(tyro.cli(Config))
