"""How should Label-Gradient be normalised? Raw, over the trace, cosine, centred (CKA), Pearson over the entries.

Command   python -m experiments.ablations.normalisation      (--truth TABLE.parquet: against another ground truth)
Expected  results/ablation_normalisation.{json,md,png,pdf}
Hardware  1 CPU core; a few seconds a (task, model) pair, kernels kept for the other ablations
"""

import numpy as np
import tyro

from experiments.common.ablation import Options, Pair, run
from lin_ft.scores import alignment
from lin_ft.scores.alignment import FORMS


def variants(pair: Pair) -> dict[str, float]:
    kernel, features = pair.variant(), pair.features.astype(np.float64)
    rows = {f"Label-Gradient, {form}": alignment(kernel, pair.targets, form=form) for form in FORMS}
    rows |= {f"Label-Feature, {form}": alignment(features @ features.T, pair.targets, form=form) for form in FORMS}
    return rows


if __name__ == "__main__":
    run("normalisation", "normalisation", variants, tyro.cli(Options, config=(tyro.conf.OmitArgPrefixes,)))
