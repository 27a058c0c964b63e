"""When should the linearized training stop, and how much ridge? Fixed times and ridges beside the chosen ones.

Command   python -m experiments.ablations.time_ridge      (--truth TABLE.parquet: against another ground truth)
Expected  results/ablation_time_ridge.{json,md,png,pdf}
Hardware  1 CPU core; a few seconds a (task, model) pair, kernels kept for the other ablations
"""

import tyro

from experiments.common.ablation import Options, Pair, run
from lin_ft.predict import decompose
from lin_ft.ranking import predict_left_out
from lin_ft.scores import predicted_decrease


def variants(pair: Pair) -> dict[str, float]:
    kernel, targets, config = pair.variant(), pair.targets, pair.config
    spectrum = decompose(kernel)
    prediction = predict_left_out(spectrum, targets, pair.labels, config)
    rows = {"chosen by leave-one-out loss": prediction.accuracy - 1e-6 * prediction.loss}
    for time in (0.1, 1.0, 3.0, 10.0, 30.0, 100.0):
        rows[f"decrease at time {time:g}"] = predicted_decrease(kernel, targets, time=time, spectrum=spectrum)
    # The grid of a prediction: times ascending, ridges descending.
    for i, time in enumerate(sorted(config.times)):
        rows[f"time {time:g}, ridge {min(config.ridges):g}"] = float(prediction.accuracies[i, -1])
    for j, ridge in enumerate(sorted(config.ridges, reverse=True)):
        rows[f"ridge {ridge:g}, time inf"] = float(prediction.accuracies[-1, j])
    rows["the largest accuracy of the grid"] = float(prediction.accuracies.max())
    return rows


if __name__ == "__main__":
    run("time_ridge", "time and ridge", variants, tyro.cli(Options, config=(tyro.conf.OmitArgPrefixes,)))
