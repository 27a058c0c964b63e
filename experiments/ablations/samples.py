"""How many labelled images does a score need? The first 2, 3, 5 of every class, or all.

Command   python -m experiments.ablations.samples      (--truth TABLE.parquet: against another ground truth)
Expected  results/ablation_samples.{json,md,png,pdf}
Hardware  1 CPU core; a few seconds a (task, model) pair, kernels kept for the other ablations
"""

import numpy as np
import tyro

from experiments.common.ablation import Options, Pair, run


def variants(pair: Pair) -> dict[str, float]:
    kernel, targets = pair.variant(), pair.targets
    place = np.zeros(len(pair.labels), int)  # how many of its class come before
    for label in np.unique(pair.labels):
        place[pair.labels == label] = np.arange((pair.labels == label).sum())
    rows = {}
    for shots in sorted({2, 3, 5, pair.task.shots}):
        kept = np.flatnonzero(place < shots)
        rows |= pair.scored(f"{shots} a class", kernel[np.ix_(kept, kept)], targets[kept], pair.labels[kept])
    return rows


if __name__ == "__main__":
    run("samples", "number of samples", variants, tyro.cli(Options, config=(tyro.conf.OmitArgPrefixes,)))
