"""Every way to predict gains, judged with its task left out against the mean over draws that it was not fitted on."""

import dataclasses

import numpy as np

from experiments.gain.matrix import GainMatrix
from lin_ft.errors import InputError
from lin_ft.gain import Judged, averaged, judge, judge_gains, leaving_tasks_out
from lin_ft.gain.fit import draw_noise, mean_of_draws

OURS, REFERENCE, REAL = "prior and evidence", "no gain: always the reference", "another draw of fine-tuning"
FEATURES_ONLY = {
    False: ("head_decrease/target", "head_decrease/source", "shots_loss_features/target"),
    True: ("label_feature_cka/source",),
}
"""The evidence without the tangent kernel beyond features, within one architecture and across several."""
LEVELS = {
    "k nearest neighbours": "nearest_neighbours", "linear probe": "linear_probe",
    "one image left out": "kernel_loo_accuracy",
}  # fmt: skip
"""Scores that state an accuracy."""
SIMULATED = 2000
ORDERS = ("predicted_decrease", "pactran_gaussian", "logme")
"""Scores that only order models."""


def rows_of(data: GainMatrix, weight: tuple[float, float] | None = None) -> dict[str, Judged]:
    """Fitted on one draw, with its evidence, judged against the mean of all others; the mean over the draws that can
    be fitted on. With a single draw it is judged against that one's fine-tuning of the task that was left out. `weight`
    is what the evidence is expected to weigh, see `lin_ft.gain.fit`."""
    if not data.complete:
        raise InputError(
            f"gain: no draw of {data.name} is fine-tuned and has terms on every task; compute one of them."
        )
    found: dict[str, list[Judged]] = {}
    for place in data.complete:
        for name, row in _of_draw(data, place, weight).items():
            found.setdefault(name, []).append(row)
    return {name: averaged(rows) for name, rows in found.items()}


def judged_against(data: GainMatrix, place: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean accuracies over the other draws, (T, M), and the number of these, (T,); of the draw itself if alone."""
    others = [draw for draw in range(len(data.accuracy)) if draw != place]
    if not others:
        return data.accuracy[place], np.ones(len(data.tasks), int)
    counts = np.isfinite(data.accuracy[others][..., 0]).sum(0)
    if not counts.all():
        raise InputError(f"gain: {data.tasks[int(np.argmin(counts))]} has no second draw of fine-tuning to judge by.")
    return mean_of_draws(data.accuracy[others]), counts


def _of_draw(data: GainMatrix, place: int, weight: tuple[float, float] | None) -> dict[str, Judged]:
    measured, counts = judged_against(data, place)
    noise = draw_noise(data.accuracy) / np.sqrt(counts)
    fitted_on = data.accuracy[[place]]

    def of(names: tuple[str, ...]) -> Judged:
        evidence = data.evidence(names)[[place]] if names else np.zeros_like(fitted_on)
        told = leaving_tasks_out(fitted_on, evidence, data.groups, data.reference, draws=data.accuracy, weight=weight)
        return judge(told, measured, draw=noise)

    def gains(accuracy: np.ndarray) -> Judged:
        return judge_gains(accuracy - accuracy[:, [data.reference]], measured, data.reference)

    def order(values: np.ndarray) -> Judged:
        only = judge_gains(values, measured, data.reference)
        return dataclasses.replace(only, error=np.nan, bias=np.nan)

    rows = {OURS: of(data.chosen), "the same, features only": of(FEATURES_ONLY[data.across]), "prior alone": of(())}
    for label, name in LEVELS.items():
        if name in data.scores and np.isfinite(data.scores[name][place]).all():
            rows[label] = gains(100 * data.scores[name][place])
    if np.isfinite(data.terms[data.level_term][place]).all():
        rows["one image of each class left out"] = gains(100 * data.terms[data.level_term][place])
    nothing = np.zeros_like(measured)
    nothing[:, data.reference] = 1e-9
    rows[REFERENCE] = judge_gains(nothing, measured, data.reference)
    if len(data.accuracy) > 1:
        rows[REAL] = gains(fitted_on[0])
    rows["Label-Gradient (cka)"] = order(data.terms["label_gradient_cka/source"][place])
    rows["Label-Feature Correlation (cka)"] = order(data.terms["label_feature_cka/source"][place])
    for name in ORDERS:
        if name in data.scores and np.isfinite(data.scores[name][place]).all():
            rows[name] = order(data.scores[name][place])
    return rows


def regret_of_the_truth(data: GainMatrix) -> float:
    """Points that a choice which knew the true means would lose against measured means as noisy as these, simulated.

    The floor of the column "first choice loses". True means are taken as the measured ones, shrunk to the mean of their
    task by what noise adds to their variance.
    """
    rng, losses = np.random.default_rng(0), []
    for place in data.complete:
        measured, counts = judged_against(data, place)
        for means, noise in zip(measured, draw_noise(data.accuracy) / np.sqrt(counts), strict=True):
            off = means - means.mean()
            true = off * np.sqrt(max(0.0, 1 - noise**2 / off.var(ddof=1)))
            noisy = true + noise * rng.normal(size=(SIMULATED, len(true)))
            losses.append((noisy.max(1) - noisy[:, true.argmax()]).mean())
    return float(np.mean(losses))


def level(data: GainMatrix) -> np.ndarray:
    """Measured minus left-out accuracy of the reference, (T,), in points; NaN where a task lacks the term."""
    left_out = mean_of_draws(100 * data.terms[data.level_term])[:, data.reference]
    return mean_of_draws(data.accuracy)[:, data.reference] - left_out
