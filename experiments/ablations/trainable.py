"""Which weights should the kernel be of? Those of the head, of the norms, of the last block, or all.

Command   python -m experiments.ablations.trainable      (--truth TABLE.parquet: against another ground truth)
Expected  results/ablation_trainable.{json,md,png,pdf}
Hardware  1 CPU core; a few seconds a (task, model) pair, kernels kept for the other ablations
"""

import tyro

from experiments.common.ablation import Options, Pair, run


def variants(pair: Pair) -> dict[str, float]:
    rows = {}
    for trainable in ("head", "norm", "last_block", "all"):
        kernel = pair.variant(head="zero") if trainable == "head" else pair.variant(trainable=trainable)
        rows |= pair.scored(trainable, kernel)
    return rows


if __name__ == "__main__":
    run("trainable", "trainable subset", variants, tyro.cli(Options, config=(tyro.conf.OmitArgPrefixes,)))
