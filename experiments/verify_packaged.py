"""Is the ranking of real backbones right? The tables of verify_ranking.py, from the cells of configs/bench_packaged.py.

Command   python experiments/verify_packaged.py --markdown experiments/results/verify_packaged.md
Expected  predicted and measured accuracy of 8 models on 5 tasks, and how each score ranks them
Hardware  seconds; the cells took about two hours on one CPU core
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

import tyro
from verify_ranking import tables

from lin_ft.zoo.weights import write_atomically


@dataclasses.dataclass(frozen=True)
class Config:
    """Tables of the packaged zoo's fine-tuning, as Markdown."""

    cells: Path = Path("experiments/results/packaged/cells")
    reference: str = "imagenet_mobilenet_v2"
    markdown: Path | None = None


def joined(folder: Path, reference: str) -> list[dict[str, Any]]:
    """Scores and fine-tuning of each (task, model, seed), in the form of verify_ranking's cells; whole tasks only."""
    parts: dict[tuple[str, str, int], dict[str, dict[str, Any]]] = {}
    for path in sorted(folder.glob("*.json")):
        values = json.loads(path.read_text())
        if values["status"] == "done":
            parts.setdefault((values["task"], values["model"], values["seed"]), {})[values["part"]] = values
    whole = {key: both for key, both in parts.items() if set(both) == {"scores", "finetune"}}
    models = {model for _, model, _ in parts}
    cells = []
    for (task, model, seed), both in whole.items():
        if any((task, other, seed) not in whole for other in models):
            continue
        scores = both["scores"]["scores"]
        heads = {
            head: {
                "predicted_accuracy": scores[f"predicted_accuracy/{head}"],
                "predicted_loss": -scores[f"predicted_loss/{head}"],
                "label_gradient": scores[f"label_gradient/{head}"],
                "label_feature_correlation": scores["label_feature_correlation"],
            }
            for head in ("random", "zero")
        }
        cell = {"task": task, "model": model, "seed": seed, "reference": reference, **heads}
        cell |= {"k_nearest_neighbours": scores["nearest_neighbours"], "n_params": both["scores"]["n_params"]}
        cell |= {"finetuned": {"test_accuracy": both["finetune"]["test_accuracy"]}}
        cells.append(cell | {"source_accuracy": both["scores"]["source_test_accuracy"]})
    return cells


def main(config: Config) -> None:
    cells = joined(config.cells, config.reference)
    lines = []
    for seed in sorted({cell["seed"] for cell in cells}):
        lines += tables([cell for cell in cells if cell["seed"] == seed])
    text = "\n".join(lines) + "\n"
    print(text)
    if config.markdown:
        write_atomically(config.markdown, lambda temporary: temporary.write_text(text))


if __name__ == "__main__":
    main(tyro.cli(Config))
