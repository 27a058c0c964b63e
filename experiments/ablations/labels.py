"""How should labels be coded? one-hot, ±1, centred.

Command   python -m experiments.ablations.labels      (--truth TABLE.parquet: against another ground truth)
Expected  results/ablation_labels.{json,md,png,pdf}
Hardware  1 CPU core; a few seconds a (task, model) pair, kernels kept for the other ablations
"""

import tyro

from experiments.common.ablation import Options, Pair, run
from lin_ft.scores import alignment, encode


def variants(pair: Pair) -> dict[str, float]:
    kernel, rows = pair.variant(), {}
    for coding in ("one_hot", "plus_minus", "centred"):
        targets = encode(pair.labels, pair.task.n_classes, coding=coding)
        rows |= pair.scored(coding, kernel, targets)
        rows[f"{coding}: Label-Gradient, cosine"] = alignment(kernel, targets, form="cosine")
    return rows


if __name__ == "__main__":
    run("labels", "label coding", variants, tyro.cli(Options, config=(tyro.conf.OmitArgPrefixes,)))
