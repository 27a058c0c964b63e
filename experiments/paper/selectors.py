"""Searching and learned selectors on the paper's own table: cheap fine-tunings at 5 and 20 shots choose for full data.

Command   python -m experiments.paper.selectors
Expected  results/paper_selectors.{json,md}: how well each selector ranks the 30 models for full data on 8 tasks, and
          what it costs beside fine-tuning all models on all data
Hardware  1 CPU core, about a minute; no GPU, no network
"""

import dataclasses
import json
from pathlib import Path

import numpy as np
import tyro

from experiments.paper.table import BOTH, EIGHT, LOTO, ORDER, RANDOM, part
from lin_ft.benchmark import Judge, Results, markdown_table, summarise
from lin_ft.benchmark.summary import as_dict, rounded
from lin_ft.files.atomic import write_atomically
from lin_ft.selectors import Rung, learned_ranking, mixed, power_law, rank_features, successive_halving

TRAINING = {"MagTile": (1008, 6), "UCM": (1575, 21), "Flowers": (2040, 102), "Cucumber": (2326, 30),
            "EuFlood": (3153, 2), "Pets": (3680, 37), "DTD": (4230, 47), "iCassava": (5367, 5)}  # fmt: skip
"""Training images and classes of each task (the paper's table 4)."""
STATISTICS = ("spearman", "weighted_tau", "regret_1", "regret_3", "gain_1", "gain_3", "trials_best")

INTRODUCTION = """# Searching and learned selectors on the paper's table

Ground truth: fine-tuning on all data, 30 models, 8 tasks. What a selector may look at: fine-tunings of the same models
at 5 and 20 images a class (their cost counted by images seen), and all other tasks. One draw of the images, and those
fine-tunings were judged on the test set that gives the ground truth, so selectors that look at them are flattered. 95 %
bootstrap intervals over tasks.
"""


def sizes(task: str) -> tuple[float, float, float]:
    """Training images at 5 shots, 20 shots and in full."""
    n, n_classes = TRAINING[task]
    return min(5.0 * n_classes, n), min(20.0 * n_classes, n), float(n)


def regime(name: str, results: Results) -> np.ndarray:
    """(1, T, M) accuracies of the same models and tasks in another regime."""
    other, _ = part(name)
    index = [other.models.index(model) for model in results.models]
    return other.take(results.tasks).accuracy[:, :, index]


def halving(results: Results, static: np.ndarray, few: np.ndarray, more: np.ndarray) -> tuple[np.ndarray, float]:
    """All models by the mean rank elsewhere, 15 at 5 shots (mixed with it), 6 at 20 shots, 3 in full.

    Returns the rankings as scores, and the mean cost of the search in fine-tunings on all data; the three final
    fine-tunings are not counted, as they are what any selector spends.
    """
    scores, costs = np.zeros(results.accuracy.shape), []
    for t, task in enumerate(results.tasks):
        at_5, at_20, full = sizes(task)
        tables = [dict(zip(results.models, a[0, t].tolist(), strict=True)) for a in (static, few, more)]
        at_few, at_more = mixed(tables[0], tables[1]), mixed(tables[0], tables[2])
        stages = [
            Rung("mean rank elsewhere", tables[0].__getitem__, 15),
            Rung("5 shots", at_few.__getitem__, 6, at_5 / full),
            Rung("20 shots", at_more.__getitem__, 6, at_20 / full),
        ]
        result = successive_halving(results.models, stages)
        scores[0, t] = result.scores(results.models)
        costs.append(result.cost)
    return scores, float(np.mean(costs))


def extrapolated(results: Results, few: np.ndarray, more: np.ndarray) -> np.ndarray:
    """Minus the error at full size on the power law through 5 and 20 shots."""
    scores = np.zeros(results.accuracy.shape)
    for t, task in enumerate(results.tasks):
        at_5, at_20, full = sizes(task)
        for m in range(len(results.models)):
            errors = np.maximum(1 - np.asarray([few[0, t, m], more[0, t, m]]), 1e-3)
            scores[0, t, m] = -float(power_law(np.asarray([at_5, at_20]), errors)(full))
    return scores


def selectors(results: Results, static: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], dict[str, float]]:
    """Scores, and the cost of each beside one fine-tuning on all data."""
    few, more = regime("5shot", results), regime("20shot", results)
    cheap = np.mean([[sizes(task)[i] / sizes(task)[2] for i in (0, 1)] for task in results.tasks], axis=0)
    n = len(results.models)
    scores = {name: static[name] for name in (LOTO, ORDER, BOTH, RANDOM)}
    costs = dict.fromkeys(scores, 0.0)
    halved, cost = halving(results, static[LOTO], few, more)
    features = {"5 shots": few, "20 shots": more}
    rows = {
        "accuracy at 5 shots": (few, n * cheap[0]),
        "accuracy at 20 shots": (more, n * cheap[1]),
        "power law through 5 and 20 shots": (extrapolated(results, few, more), n * cheap.sum()),
        "learned (ridge): and 5 shots": (learned_ranking(results, rank_features(features, ("5 shots",))), n * cheap[0]),
        "learned (ridge): and 5 and 20 shots": (learned_ranking(results, rank_features(features)), n * cheap.sum()),
        "learned (forest): and 5 and 20 shots": (
            learned_ranking(results, rank_features(features), estimator="forest"),
            n * cheap.sum(),
        ),
        "successive halving: static, 5 shots, 20 shots": (halved, cost),
    }
    return scores | {name: row[0] for name, row in rows.items()}, costs | {
        name: float(r[1]) for name, r in rows.items()
    }


@dataclasses.dataclass(frozen=True)
class Selectors:
    """Selectors on the paper's table."""

    out: Path = Path(__file__).parents[1] / "results"

    def run(self) -> None:
        results, static = part("full", EIGHT)
        scores, costs = selectors(results, static)
        rows = summarise(Judge(results, scores), STATISTICS)
        lines = [
            INTRODUCTION,
            *markdown_table(rows, STATISTICS),
            "",
            "Cost of selecting, in fine-tunings on all data (all 30 models cost 30):",
            "",
            "| selector | cost |",
            "| --- | ---: |",
            *[f"| {name} | {cost:.1f} |" for name, cost in sorted(costs.items(), key=lambda item: item[1])],
        ]
        values = rounded({"scores": as_dict(rows), "cost": costs})
        text = json.dumps(values, indent=1) + "\n"
        write_atomically(self.out / "paper_selectors.json", lambda temporary: temporary.write_text(text))
        write_atomically(
            self.out / "paper_selectors.md", lambda temporary: temporary.write_text("\n".join(lines) + "\n")
        )
        print("\n".join(lines))


if __name__ == "__main__":
    tyro.cli(Selectors, config=(tyro.conf.OmitArgPrefixes,)).run()
