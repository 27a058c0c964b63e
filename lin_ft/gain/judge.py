"""How good are predicted gains? Every task predicted from the others, against draws that were not used for fitting."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.gain.fit import draw_noise, fit, mean_of_draws
from lin_ft.gain.posterior import Posterior, posterior

LEVEL = 0.9


@dataclasses.dataclass(frozen=True)
class Judged:
    """Of one way to predict gains; points are accuracy points. Means over tasks of means over models."""

    error: float
    """Mean absolute error of the gains over the reference, which itself is left out."""
    bias: float
    """Predicted minus measured gain: positive when too hopeful."""
    coverage: float
    """Share of the measured gains inside the 90 % interval; NaN without intervals."""
    width: float
    """Of the interval."""
    log_score: float
    """Mean over tasks of log P(the best model), in nats over that of a uniform guess; NaN without probabilities."""
    regret: float
    """What the first choice loses against the best."""
    spearman: float
    """Rank correlation with the measured accuracies."""
    n: int
    """Gains judged."""


def leaving_tasks_out(
    accuracy: Float[np.ndarray, "S T M"],
    evidence: Float[np.ndarray, "S T M"],
    groups: Sequence[str],
    reference: int,
    *,
    evidence_judged: Float[np.ndarray, "T M"] | None = None,
    across: float | None = None,
    draws: Float[np.ndarray, "D T M"] | None = None,
    weight: tuple[float, float] | None = None,
) -> list[Posterior]:
    """The posterior of each task, with coefficients and priors fitted on all other tasks.

    `evidence_judged` is the evidence of the images that are judged (another draw); default: the mean over draws. The
    noise of a draw is estimated on `draws` of the other tasks; default: those fitted. `across`, `weight`: see `fit`.

    Args:
        accuracy: of S draws, in points.
        evidence: of the same draws.
        groups: architecture of each model.
        reference: place of the model that gains are against.
        evidence_judged: of the images that are judged; None: the mean over draws.
        across: b where it is not identified; None: w.
        draws: accuracies from which the noise of a draw is estimated; None: those fitted.
        weight: mean and standard deviation that w and b are expected to have; None: anything.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.gain import leaving_tasks_out
        >>> rng = np.random.default_rng(0)
        >>> evidence = rng.normal(size=(1, 4, 6)).repeat(2, axis=0)  # 2 draws, 4 tasks, 6 models
        >>> accuracy = 60 + 4 * evidence + rng.normal(size=(2, 4, 6))  # in points
        >>> posteriors = leaving_tasks_out(accuracy, evidence, ["resnet20"] * 6, 0)
        >>> len(posteriors), posteriors[0].mean.shape
        (4, (6,))
    """
    told = mean_of_draws(evidence) if evidence_judged is None else evidence_judged
    found = []
    for task in range(accuracy.shape[1]):
        others = np.arange(accuracy.shape[1]) != task
        draw = draw_noise((accuracy if draws is None else draws)[:, others])
        of_others = accuracy[:, others], evidence[:, others]
        fitted = fit(*of_others, groups, reference, across=across, draw=draw, weight=weight)
        found.append(posterior(told[task], groups, fitted.priors, fitted.coefficients, reference))
    return found


def judge(
    posteriors: Sequence[Posterior],
    measured: Float[np.ndarray, "T M"],
    *,
    draw: float | Float[np.ndarray, " T"] = 0.0,
) -> Judged:
    """Against the measured accuracies, in points.

    `draw` is the noise that is still in these: in their mean over draws, of each task where these differ in number.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.gain import judge, leaving_tasks_out
        >>> rng = np.random.default_rng(0)
        >>> evidence = rng.normal(size=(1, 4, 6)).repeat(2, axis=0)  # 2 draws, 4 tasks, 6 models
        >>> accuracy = 60 + 4 * evidence + rng.normal(size=(2, 4, 6))  # in points
        >>> posteriors = leaving_tasks_out(accuracy[:1], evidence[:1], ["resnet20"] * 6, 0)
        >>> judged = judge(posteriors, accuracy[1])
        >>> judged.n, judged.spearman > 0.8
        (20, True)
    """
    gains = np.stack([each.gain for each in posteriors])
    noise = np.broadcast_to(draw, len(posteriors)).astype(float)
    intervals = np.stack([each.interval(LEVEL, draw=d) for each, d in zip(posteriors, noise, strict=True)])
    probabilities = np.stack([noisy(each, d).p_best for each, d in zip(posteriors, noise, strict=True)])
    return judge_gains(gains, measured, posteriors[0].reference, intervals=intervals, probabilities=probabilities)


def averaged(rows: Sequence[Judged]) -> Judged:
    """The mean of judgements that weigh alike, as of one draw after the other; `n` is their sum.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.gain import averaged, judge_gains
        >>> measured = np.array([[60.0, 65.0, 58.0], [70.0, 72.0, 75.0]])
        >>> hopeful, exact = (judge_gains(measured - measured[:, :1] + bias, measured, 0) for bias in (1.0, 0.0))
        >>> averaged([hopeful, exact]).bias
        0.5
    """
    values = {field.name: [getattr(row, field.name) for row in rows] for field in dataclasses.fields(Judged)}
    total = sum(values.pop("n"))
    return Judged(**{name: float(np.mean(each)) for name, each in values.items()}, n=total)


def noisy(each: Posterior, draw: float) -> Posterior:
    """The same for accuracies that each have `draw` of further noise."""
    return dataclasses.replace(each, covariance=each.covariance + draw**2 * np.eye(len(each.mean)))


def judge_gains(
    gains: Float[np.ndarray, "T M"],
    measured: Float[np.ndarray, "T M"],
    reference: int,
    *,
    intervals: Float[np.ndarray, "T M 2"] | None = None,
    probabilities: Float[np.ndarray, "T M"] | None = None,
) -> Judged:
    """Any predicted gains; a score that is no gain has the error NaN where it is given as `gains` of NaN scale.

    Args:
        gains: predicted, in points over the reference.
        measured: accuracies, in points.
        reference: place of the reference.
        intervals: of the gains; None: none are judged.
        probabilities: that each model is the best; None: none are judged.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.gain import judge_gains
        >>> measured = np.array([[60.0, 65.0, 58.0], [70.0, 72.0, 75.0]])
        >>> judged = judge_gains(measured - measured[:, :1] + 1.0, measured, 0)  # one point too hopeful
        >>> round(judged.error, 3), round(judged.bias, 3), judged.regret
        (1.0, 1.0, 0.0)
    """
    if gains.shape != measured.shape or not np.isfinite(measured).all():
        raise InputError("judge: predictions and measurements must be of the same tasks and models, and complete.")
    true = measured - measured[:, [reference]]
    others = np.arange(gains.shape[1]) != reference
    error = (gains - true)[:, others]
    inside = width = log_score = np.nan
    if intervals is not None:
        low, high = intervals[:, others, 0], intervals[:, others, 1]
        inside = float(((low <= true[:, others]) & (true[:, others] <= high)).mean())
        width = float((high - low).mean())
    tasks = np.arange(len(gains))
    if probabilities is not None:
        log_score = float(np.log(probabilities[tasks, measured.argmax(1)] * gains.shape[1]).mean())
    varied = [row for row in tasks if np.ptp(gains[row]) > 0]
    return Judged(
        error=float(np.abs(error).mean()),
        bias=float(error.mean()),
        coverage=inside,
        width=width,
        log_score=log_score,
        regret=float((measured.max(1) - measured[tasks, gains.argmax(1)]).mean()),
        spearman=float(np.mean([_spearman(gains[row], measured[row]) for row in varied])) if varied else np.nan,
        n=int(error.size),
    )


def _spearman(one: np.ndarray, other: np.ndarray) -> float:
    from scipy.stats import spearmanr

    found: Any = spearmanr(one, other)
    return float(found.statistic)
