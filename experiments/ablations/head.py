"""Which head should the kernel be taken under? zero, random or ridge, which has seen the labels.

Command   python -m experiments.ablations.head      (--truth TABLE.parquet: against another ground truth)
Expected  results/ablation_head.{json,md,png,pdf}
Hardware  1 CPU core; a few seconds a (task, model) pair, kernels kept for the other ablations
"""

import tyro

from experiments.common.ablation import Options, Pair, run


def variants(pair: Pair) -> dict[str, float]:
    rows = {}
    for head, options in (("zero", {}), ("random", {}), ("ridge", {"of": "logits"})):
        rows |= pair.scored(head, pair.variant(head=head, **options))
    return rows


if __name__ == "__main__":
    run("head", "head initialisation", variants, tyro.cli(Options, config=(tyro.conf.OmitArgPrefixes,)))
