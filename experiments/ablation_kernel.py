"""Which form of the kernel? Random probes of the features, the trace, the sum of the logits, sketches of several sizes.

Command   python experiments/ablation_kernel.py      (--truth TABLE.parquet: against another ground truth)
Expected  results/ablation_kernel.{json,md,png,pdf}
Hardware  1 CPU core; a few seconds a (task, model) pair, kernels kept for the other ablations
"""

import tyro
from ablation import Options, Pair, run

from lin_ft.scores import alignment


def variants(pair: Pair) -> dict[str, float]:
    forms = {f"{count} probes": pair.kernel(probes=count) for count in (1, 2, 8)}
    forms["trace"] = pair.kernel(output="trace")
    forms["sum of logits"] = pair.kernel(of="sum_logits", probes=1)
    for size in (256, 2048):
        forms[f"sketch of {size}"] = pair.kernel(output="trace", method="sketch", dimension=size)
    rows = {}
    for name, kernel in forms.items():
        prediction = pair.prediction(kernel)
        rows[f"{name}: predicted accuracy"] = prediction.accuracy - 1e-6 * prediction.loss
        rows[f"{name}: Label-Gradient"] = alignment(kernel, pair.targets(), form="cka")
    return rows


if __name__ == "__main__":
    run("kernel", "kernel form", variants, tyro.cli(Options, config=(tyro.conf.OmitArgPrefixes,)))
