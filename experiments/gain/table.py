"""What is judged as one page of Markdown, which ends in the sentence that the issue of predicted gains asks for."""

import numpy as np

from experiments.gain.matrix import GainMatrix
from experiments.gain.rows import OURS, REAL, REFERENCE
from lin_ft.gain import Judged
from lin_ft.gain.fit import draw_noise, mean_of_draws


def table(data: GainMatrix, rows: dict[str, Judged], level: np.ndarray, floor: float) -> str:
    """`level` and `floor` are those of experiments.gain.rows, `regret_of_the_truth` the latter."""
    counts = np.isfinite(data.accuracy[..., 0]).sum(0)
    kind = "across architectures" if data.across else "within one architecture"
    option = f" --matrix {data.name}"
    if len(data.accuracy) > 1:
        n_others = sorted({int(count) - 1 for count in counts})
        against = f"the mean over the {' or '.join(map(str, n_others))} other draw(s) of each task"
        against += f". One draw differs from its mean by {draw_noise(data.accuracy):.1f} (standard deviation)."
    else:
        against = "its own draw's fine-tuning, as there is no other."
    lines = [
        f"# Predicted gains of fine-tuning, {kind}",
        "",
        f"`python -m experiments.gain{option}`; {len(data.models)} models, {len(data.tasks)} tasks; every task is"
        f" predicted from the others, fitted on draw {', '.join(str(data.seeds[place]) for place in data.complete)}"
        f" (one at a time, with its evidence; the mean of these), judged against {against} Points are accuracy points.",
        "",
        "| predicted by | error | bias | 90 % covers | width | P(best), nats | first choice loses | Spearman |",
        "| --- | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for name, row in rows.items():
        cells = (row.error, row.bias, row.coverage, row.width, row.log_score, row.regret, row.spearman)
        digits = (1, 1, 2, 1, 2, 1, 2)
        texts = ["" if np.isnan(value) else f"{value:.{d}f}" for value, d in zip(cells, digits, strict=True)]
        lines.append(f"| {name} | {' | '.join(texts)} |")
    if len(data.accuracy) > 1:
        lines += [
            "",
            f"Against means as noisy as these a choice that knew the true ones would lose {floor:.1f} points.",
        ]
    return "\n".join([*lines, *_level(data, level), "", sentence(rows)]) + "\n"


def sentence(rows: dict[str, Judged]) -> str:
    top, none, other = rows[OURS], rows[REFERENCE], rows.get(REAL)
    another = f"another draw {other.error:.1f}" if other else "no other draw"
    return (
        f"gain: error {top.error:.1f} points (none {none.error:.1f}, {another}), 90 % interval covers"
        f" {top.coverage:.2f}, P(best) {top.log_score:.2f} nats over uniform, first choice loses {top.regret:.1f}"
        " points"
    )


def _level(data: GainMatrix, level: np.ndarray) -> list[str]:
    image = None
    if "kernel_loo_accuracy" in data.scores:
        image = 100 * mean_of_draws(data.scores["kernel_loo_accuracy"])[:, data.reference]
    lines = ["", "Level of the reference: measured minus left-out accuracy, in points.", "",
             "| classes | tasks | one of each class left out: bias (error) | one image left out: bias (error) |",
             "| --- | --: | --: | --: |"]  # fmt: skip
    n_classes = np.asarray(data.n_classes)
    for low, high in ((2, 2), (3, 9), (10, 14), (15, 1000)):
        chosen = (n_classes >= low) & (n_classes <= high) & np.isfinite(level)
        if chosen.any():
            text = f"{low}" if low == high else f"{low} to {min(high, n_classes.max())}"
            shots = f"{level[chosen].mean():+.1f} ({np.abs(level[chosen]).mean():.1f})"
            gap = None if image is None else (mean_of_draws(data.accuracy)[:, data.reference] - image)[chosen]
            single = "" if gap is None else f"{np.nanmean(gap):+.1f} ({np.nanmean(np.abs(gap)):.1f})"
            lines.append(f"| {text} | {chosen.sum()} | {shots} | {single} |")
    return lines
