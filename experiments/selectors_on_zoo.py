"""Learned rankers on the repository's own zoo: do embeddings of data sets and models tell which source suits a target?

Command   python -m experiments.selectors_on_zoo
Expected  results/zoo_selectors.{json,md}: rankings of the 8 single-domain models for the targets of the core matrix,
          one target left out at a time, against fine-tuned test accuracy over the draws
Hardware  1 CPU core, about a minute; no GPU; data sets are packaged or fetched once
"""

import dataclasses
import json
from pathlib import Path

import numpy as np
import tyro
from jaxtyping import Float

from experiments.common.figure import CONFIG, CORE
from lin_ft.benchmark import Evidence, Judge, caption, evidence_of, leave_one_task_out, markdown_table, summarise
from lin_ft.benchmark.collect import read_parquet
from lin_ft.benchmark.config import load_config
from lin_ft.benchmark.questions.names import DEFAULT
from lin_ft.benchmark.static import BEST_ON_AVERAGE, FINE_TUNED, fixed
from lin_ft.benchmark.summary import as_dict, rounded
from lin_ft.data import load_task
from lin_ft.files.atomic import write_atomically
from lin_ft.functions import features_of
from lin_ft.selectors import dataset_embedding, embedding_features, learned_ranking, rank_features
from lin_ft.zoo import REFERENCE, embedded_zoo

STATISTICS = ("spearman", "weighted_tau", "regret_1", "regret_3", "trials_best")
SHOWN = (DEFAULT, "label_feature_cka", "nearest_neighbours", "linear_probe")

INTRODUCTION = """# Learned rankers on the zoo of the repository

Ground truth: test accuracy after fine-tuning. Each target is ranked by what the others taught. Data sets are described
by the mean and spread of their features under the reference model, models by their source's embedding and their source
accuracy. All models here have the same number of parameters.
"""


def measured(table: Path, shots: int) -> Evidence:
    """The single-domain models of the core matrix, with the scores named above."""
    core = evidence_of(read_parquet(table), shots, load_config(CONFIG))
    single = [place for place, m in enumerate(core.results.models) if core.families[m] == "single"]
    results = dataclasses.replace(
        core.results,
        models=tuple(core.results.models[place] for place in single),
        accuracy=core.results.accuracy[:, :, single],
        groups=(),
    )
    scores = {name: core.scores[name][:, :, single] for name in SHOWN if name in core.scores}
    return dataclasses.replace(core, judge=Judge(results, scores))


def embeddings(names: tuple[str, ...], shots: int) -> np.ndarray:
    """One row a data set, from `shots` images a class under the reference model."""
    (model,) = (model for model in embedded_zoo() if model.name == REFERENCE)
    rows = []
    for name in names:
        images = load_task(name, shots=shots).train.images
        rows.append(dataset_embedding(np.asarray(features_of(*model.function, model.normalise(images)))))
    return np.stack(rows)


def learned(core: Evidence, features: Float[np.ndarray, "S T M F"]) -> Float[np.ndarray, "S T M"]:
    """`learned_ranking` on the draws that have scores; NaN on the others."""
    draws = list(core.judge.draws)
    ranking = np.full(core.results.accuracy.shape, np.nan)
    scored = dataclasses.replace(core.results, accuracy=core.results.accuracy[draws])
    ranking[draws] = learned_ranking(scored, features[draws])
    return ranking


@dataclasses.dataclass(frozen=True)
class Selectors:
    """Learned rankers, one target left out at a time."""

    table: Path = CORE
    out: Path = Path(__file__).parent / "results"
    shots: int = 10
    """Images a class: of the fine-tunings, and to describe a data set."""

    def run(self) -> None:
        core = measured(self.table, self.shots)
        results, scores = core.results, dict(core.scores)
        cards = {model.name: model.card for model in embedded_zoo()}
        sources = tuple(cards[model].source for model in results.models)
        source_accuracy = np.asarray([cards[model].test_accuracy for model in results.models])
        targets, described = embeddings(results.tasks, self.shots), embeddings(sources, self.shots)
        near = embedding_features(targets, described, source_accuracy[:, None], seeds=core.n_draws)
        told = rank_features(scores)
        rows = {
            BEST_ON_AVERAGE: leave_one_task_out(results),
            FINE_TUNED: results.accuracy,
            **scores,
            "best on its source (static)": fixed(results, source_accuracy.tolist()),
            "nearest source (cosine of embeddings)": near[..., 0],
            "learned: mean rank and embeddings": learned(core, near),
            "learned: mean rank and scores": learned(core, told),
            "learned: mean rank, scores and embeddings": learned(core, np.concatenate([told, near], axis=-1)),
        }
        judge = Judge(results, rows)
        summary = summarise(judge, STATISTICS)
        lines = [INTRODUCTION, caption(judge), "", *markdown_table(summary, STATISTICS)]
        text = json.dumps(rounded({"scores": as_dict(summary)}), indent=1) + "\n"
        write_atomically(self.out / "zoo_selectors.json", lambda temporary: temporary.write_text(text))
        write_atomically(self.out / "zoo_selectors.md", lambda temporary: temporary.write_text("\n".join(lines) + "\n"))
        print("\n".join(lines))


if __name__ == "__main__":
    tyro.cli(Selectors, config=(tyro.conf.OmitArgPrefixes,)).run()
