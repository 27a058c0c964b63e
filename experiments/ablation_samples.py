"""How many labelled images does a score need? The first 2, 3, 5 of every class, or all.

Command   python experiments/ablation_samples.py      (--truth TABLE.parquet: against another ground truth)
Expected  results/ablation_samples.{json,md,png,pdf}
Hardware  1 CPU core; a few seconds a (task, model) pair, kernels kept for the other ablations
"""

import numpy as np
import tyro
from ablation import Options, Pair, run

from lin_ft.predict import decompose, select
from lin_ft.ranking import RankConfig
from lin_ft.scores import alignment


def variants(pair: Pair) -> dict[str, float]:
    kernel, targets = pair.kernel(), pair.targets()
    place = np.zeros(len(pair.labels), int)  # how many of its class come before
    for label in np.unique(pair.labels):
        place[pair.labels == label] = np.arange((pair.labels == label).sum())
    rows = {}
    for shots in sorted({2, 3, 5, pair.task.shots}):
        kept = np.flatnonzero(place < shots)
        part = kernel[np.ix_(kept, kept)]
        spectrum = decompose(part)
        times, ridges = (
            [t / spectrum.scale for t in RankConfig().times],
            [r * spectrum.scale for r in RankConfig().ridges],
        )
        prediction = select(spectrum, targets[kept], pair.labels[kept], times, ridges)
        rows[f"{shots} a class: predicted accuracy"] = prediction.accuracy - 1e-6 * prediction.loss
        rows[f"{shots} a class: Label-Gradient"] = alignment(part, targets[kept], form="cka")
    return rows


if __name__ == "__main__":
    run("samples", "number of samples", variants, tyro.cli(Options, config=(tyro.conf.OmitArgPrefixes,)))
