"""Which form of the kernel? Probes of the features, the trace, the full kernel, the sum of the logits, sketches.

On tasks of few classes: the trace takes a reverse pass for each class, and the full kernel n C rows.

Command   python -m experiments.ablations.kernel      (--truth TABLE.parquet: against another ground truth)
Expected  results/ablation_kernel.{json,md,png,pdf}
Hardware  1 CPU core; about half a minute a (task, model) pair, kernels kept for the other ablations
"""

import tyro

from experiments.common.ablation import Options, Pair, run
from lin_ft.scores import alignment, predicted_decrease

FEW_CLASSES = ("optdigits", "satimage", "osu_leaf", "noto_emoji")
"""Of the development half, the tasks of 6 to 10 classes."""


def variants(pair: Pair) -> dict[str, float]:
    forms = {f"{count} probes": pair.variant(probes=count) for count in (1, 2, 8)}
    forms["trace"] = pair.variant(output="trace")
    forms["sum of logits"] = pair.variant(of="sum_logits", probes=1)
    for size in (256, 2048):
        forms[f"sketch of {size}"] = pair.variant(output="trace", method="sketch", dimension=size)
    rows = {}
    for name, kernel in forms.items():
        rows |= pair.scored(name, kernel)
    full, targets = pair.variant(output="full"), pair.targets
    rows["full: predicted decrease"] = predicted_decrease(full, targets)
    rows["full: Label-Gradient"] = alignment(full, targets, form="cka")
    return rows


if __name__ == "__main__":
    options = tyro.cli(Options, config=(tyro.conf.OmitArgPrefixes,))
    run("kernel", "kernel form", variants, options, FEW_CLASSES)
