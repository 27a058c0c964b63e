"""Learned rankers on the repository's own zoo: do embeddings of data sets and models tell which source suits a target?

Command   python -m experiments.selectors_on_zoo
Expected  results/zoo_selectors.{json,md}: rankings of 8 models for 6 targets at 10 shots, one target left out at a
          time, against fine-tuned test accuracy (the cells that `verify_ranking.py run` wrote). Six targets teach too
          little: no learned ranker beats Label-Feature Correlation, and embeddings alone not the mean rank
Hardware  1 CPU core, about two minutes; no GPU; data sets are packaged or fetched once
"""

import dataclasses
import json
from pathlib import Path

import numpy as np
import tyro

from experiments.verify_ranking import SCORES
from lin_ft.benchmark import Results, leave_one_task_out, markdown_table, summarise
from lin_ft.benchmark.summary import as_dict, rounded
from lin_ft.data import load_task
from lin_ft.files.atomic import write_atomically
from lin_ft.functions import features_of
from lin_ft.selectors import dataset_embedding, embedding_features, learned_ranking, rank_features
from lin_ft.zoo import REFERENCE, embedded_zoo

STATISTICS = ("spearman", "regret_1", "regret_3", "gain_1")
SHOWN = ("predicted accuracy (leave-one-out, random head)", "Label-Feature Correlation", "k nearest neighbours (k = 3)")

INTRODUCTION = """# Learned rankers on the zoo of the repository

Ground truth: test accuracy after fine-tuning at 10 images a class. Each target is ranked by what the others taught.
Data sets are described by the mean and spread of their features under the reference model, models by their source's
embedding and their source accuracy. 95 % bootstrap intervals over targets.
"""


def measured(folder: Path) -> tuple[Results, dict[str, np.ndarray], np.ndarray]:
    """Fine-tuned accuracies and scores, (1, T, M), and source accuracies; targets with a cell for every model only."""
    cells = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    by_pair = {(cell["task"], cell["model"]): cell for cell in cells if cell["seed"] == 0}
    models = tuple(sorted({model for _, model in by_pair}))
    tasks = tuple(task for task in sorted({t for t, _ in by_pair}) if all((task, model) in by_pair for model in models))

    def table(value) -> np.ndarray:
        return np.array([[[float(value(by_pair[task, model])) for model in models] for task in tasks]])

    accuracy = table(lambda cell: cell["finetuned"]["test_accuracy"])
    scores = {name: table(SCORES[name]) for name in SHOWN}
    return Results(models, tasks, accuracy, REFERENCE), scores, table(lambda cell: cell["source_accuracy"])[0, 0]


def embeddings(names: tuple[str, ...], shots: int) -> np.ndarray:
    """One row a data set, from `shots` images a class under the reference model."""
    (model,) = (model for model in embedded_zoo() if model.name == REFERENCE)
    rows = []
    for name in names:
        images = load_task(name, shots=shots).train.images
        rows.append(dataset_embedding(np.asarray(features_of(*model.function, model.normalise(images)))))
    return np.stack(rows)


@dataclasses.dataclass(frozen=True)
class Selectors:
    """Learned rankers, one target left out at a time."""

    cells: Path = Path(__file__).parent / "results" / "verify"
    out: Path = Path(__file__).parent / "results"
    shots: int = 10
    """Images a class that describe a data set."""
    repeats: int = 1000
    """Bootstrap samples."""

    def run(self) -> None:
        results, scores, source_accuracy = measured(self.cells)
        cards = {model.name: model.card for model in embedded_zoo()}
        sources = tuple(cards[model].source for model in results.models)
        near = embedding_features(
            embeddings(results.tasks, self.shots), embeddings(sources, self.shots), source_accuracy[:, None]
        )
        told = rank_features(scores)
        rows = {
            "mean rank on the other targets": leave_one_task_out(results),
            **scores,
            "nearest source (cosine of embeddings)": near[..., 0],
            "learned: mean rank and embeddings": learned_ranking(results, near),
            "learned: mean rank and scores": learned_ranking(results, told),
            "learned: mean rank, scores and embeddings": learned_ranking(
                results, np.concatenate([told, near], axis=-1)
            ),
        }
        summary = summarise(results, rows, STATISTICS, repeats=self.repeats, resample_models=())
        size = f"{len(results.models)} models, {len(results.tasks)} targets: {', '.join(results.tasks)}."
        lines = [INTRODUCTION, size, "", *markdown_table(summary, STATISTICS)]
        text = json.dumps(rounded({"scores": as_dict(summary)}), indent=1) + "\n"
        write_atomically(self.out / "zoo_selectors.json", lambda temporary: temporary.write_text(text))
        write_atomically(self.out / "zoo_selectors.md", lambda temporary: temporary.write_text("\n".join(lines) + "\n"))
        print("\n".join(lines))


if __name__ == "__main__":
    tyro.cli(Selectors, config=(tyro.conf.OmitArgPrefixes,)).run()
