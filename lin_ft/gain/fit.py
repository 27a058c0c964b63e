"""The Gaussian model's coefficients and priors, from a matrix of real fine-tuning, by maximum likelihood."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.gain.posterior import Coefficients, Prior, parts, posterior

QUANTILE = 1.6448536269514722
"""Of the standard normal distribution: 90 % lie within so many standard deviations."""


@dataclasses.dataclass(frozen=True, eq=False)
class Fitted:
    """Coefficients of the terms and priors of the models, fitted together on a matrix of fine-tunings."""

    coefficients: Coefficients
    priors: tuple[Prior, ...]
    """Of each model, in the order of the matrix."""
    spread: float
    """Standard deviation of the models' advantages as these tasks show them, and what chance adds to one of them: what
    an unknown model is given. Not shrunk, so rather too wide."""


def fit(
    accuracy: Float[np.ndarray, "S T M"],
    evidence: Float[np.ndarray, "S T M"],
    groups: Sequence[str],
    reference: int,
    *,
    across: float | None = None,
    draw: float | None = None,
    weight: tuple[float, float] | None = None,
    calibrated: bool = True,
) -> Fitted:
    """Maximum likelihood of w, b, the reference's advantage, the spread of a_m and the noise; then each a_m.

    The reference was chosen for what it did on past tasks, so its advantage is a coefficient of its own; the others'
    are drawn about 0 and shrink towards it.

    `accuracy` in points, of S draws; `evidence` that of the same draws. A draw of a task may be missing (NaN), but not
    all of one. Accuracies are centred over the models of a task and draw, since c is free. What a draw adds (`draw`, by
    default from the differences between these draws, see `draw_noise`) is not counted as noise of the model. With one
    architecture b is not identified: then `across` is taken as given, w where that is not. `weight`, the mean and
    standard deviation that w and b are expected to have, as from another matrix, keeps them sober where tasks are few.
    A linear mixed model (Henderson 1975). `calibrated`: the noise is then scaled so that, leaving each task out, 90 %
    of the gains lie inside their 90 % intervals: tasks differ in spread, which one normal distribution does not know.
    Cost: one fit for each task, a second.

    Args:
        accuracy: of S draws, in points.
        evidence: of the same draws.
        groups: architecture of each model.
        reference: place of the model that gains are against.
        across: b where it is not identified; None: w.
        draw: noise of a draw, in points; None: estimated from the draws.
        weight: mean and standard deviation that w and b are expected to have; None: anything.
        calibrated: whether the noise is scaled until intervals cover what they say.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.gain import fit
        >>> rng = np.random.default_rng(0)
        >>> evidence = rng.normal(size=(1, 20, 6)).repeat(2, axis=0)  # 2 draws, 20 tasks, 6 models
        >>> accuracy = 60 + 4 * evidence + rng.normal(size=(2, 20, 6))  # in points
        >>> fitted = fit(accuracy, evidence, ["resnet20"] * 6, 0, calibrated=False)
        >>> round(fitted.coefficients.within)
        4

    Raises:
        InputError: fewer than two tasks or models, a task without any draw or one that lacks models.
    """
    import scipy.optimize

    y, e = np.asarray(accuracy, np.float64), np.asarray(evidence, np.float64)
    _, n_tasks, n_models = y.shape
    if n_tasks < 2 or n_models < 2:
        raise InputError(f"fit: {n_tasks} tasks and {n_models} models; at least two of each are needed.")
    whole = np.isfinite(y) & np.isfinite(e) if y.shape == e.shape else np.zeros_like(y, bool)
    there = np.asarray(whole.all(-1))
    if not there.any(0).all() or (whole != there[..., None]).any():
        raise InputError("fit: accuracies and evidence must be of the same shape, and complete.")
    y = np.where(there[..., None], y - y.mean(-1, keepdims=True), np.nan)
    draw = draw_noise(y) if draw is None else draw
    mean = mean_of_draws(y)
    told = mean_of_draws(np.where(there[..., None], e, np.nan))
    x = np.stack([np.stack(parts(told[t], groups), -1) for t in range(n_tasks)])  # (T, M, 2)
    identified = np.ptp(x[..., 1]) > 1e-9
    is_reference = np.broadcast_to((np.arange(n_models) == reference) - 1 / n_models, (n_tasks, n_models))
    x = np.concatenate([x[..., : 1 + identified], is_reference[..., None]], -1)
    expected, precision = np.zeros(x.shape[-1]), np.full(x.shape[-1], 1e-9)
    if weight is not None:
        expected[: 1 + identified], precision[: 1 + identified] = weight[0], 1 / weight[1] ** 2

    def weights(tau: float, sigma: float) -> tuple[np.ndarray, float]:
        """Generalised least squares of the coefficients, and minus twice the log-likelihood (Woodbury, a model)."""
        within, common = 1 / sigma**2, tau**2 / (sigma**2 * (sigma**2 + n_tasks * tau**2))

        def inner(one: np.ndarray, other: np.ndarray) -> np.ndarray:
            return within * np.tensordot(one, other, ([0, 1], [0, 1])) - common * np.tensordot(
                one.sum(0), other.sum(0), ([0], [0])
            )

        told = inner(x, mean[..., None])[:, 0] + precision * expected
        solution = np.linalg.solve(inner(x, x) + np.diag(precision), told)
        rest = (mean - x @ solution)[..., None]
        log_det = n_models * ((n_tasks - 1) * np.log(sigma**2) + np.log(sigma**2 + n_tasks * tau**2))
        off = float(precision @ (solution - expected) ** 2)
        return solution, float(inner(rest, rest)[0, 0] + log_det) + off

    scale = float(mean.std()) or 1.0
    found = scipy.optimize.minimize(
        lambda point: weights(*np.exp(point))[1], np.log([scale / 2, scale]), method="Nelder-Mead"
    )
    tau, sigma = np.exp(found.x)
    solution = weights(tau, sigma)[0]
    rest = mean - x @ solution
    shrink = tau**2 / (tau**2 + sigma**2 / n_tasks)
    advantages = shrink * rest.mean(0) + solution[-1] * is_reference[0]
    sds = np.where(np.arange(n_models) == reference, 1.0, np.sqrt(shrink)) * sigma / np.sqrt(n_tasks)
    of_draws = draw**2 * float((1 / there.sum(0)).mean())
    noise = np.sqrt(max(sigma**2 - of_draws, 0.25 * sigma**2))
    if calibrated and n_tasks > 2:
        noise *= _stretch(y, e, groups, reference, across, draw, weight)
    spread = rest.mean(0)[np.arange(n_models) != reference].std(ddof=min(1, n_models - 2))
    return Fitted(
        Coefficients(
            within=float(solution[0]),
            across=float(solution[1] if identified else solution[0] if across is None else across),
            noise=float(noise),
            draw=draw,
        ),
        tuple(Prior(float(mean), float(sd)) for mean, sd in zip(advantages, sds, strict=True)),
        float(np.hypot(spread, sigma / np.sqrt(n_tasks))),
    )


def _stretch(
    y: np.ndarray,
    e: np.ndarray,
    groups: Sequence[str],
    reference: int,
    across: float | None,
    draw: float,
    weight: tuple[float, float] | None,
) -> float:
    """What the noise has to be multiplied by, from the residuals of tasks that are left out."""
    _, n_tasks, n_models = y.shape
    n_draws = np.isfinite(y[..., 0]).sum(0)
    mean, evidence = mean_of_draws(y), mean_of_draws(np.where(np.isfinite(y), e, np.nan))
    compared = np.arange(n_models) != reference
    errors, variances = [], []
    for task in range(n_tasks):
        rest = np.arange(n_tasks) != task
        fitted = fit(
            y[:, rest], e[:, rest], groups, reference, across=across, draw=draw, weight=weight, calibrated=False
        )
        told = posterior(evidence[task], groups, fitted.priors, fitted.coefficients, reference)
        measured = mean[task]
        errors.append((told.gain - measured + measured[reference])[compared])
        certain = told.gain_sd[compared] ** 2 - 2 * fitted.coefficients.noise**2 + 2 * draw**2 / n_draws[task]
        variances.append((certain, np.full(n_models - 1, 2 * fitted.coefficients.noise**2)))
    error = np.concatenate(errors)
    certain, noise = (np.concatenate([pair[k] for pair in variances]) for k in range(2))

    def covered(stretch: float) -> float:
        return float((np.abs(error) <= QUANTILE * np.sqrt(certain + stretch**2 * noise)).mean())

    grid = np.arange(0.5, 3.001, 0.02)
    enough = [stretch for stretch in grid if covered(stretch) >= 0.9]
    return float(enough[0]) if enough else float(grid[-1])


def draw_noise(accuracy: Float[np.ndarray, "S T M"]) -> float:
    """Standard deviation between draws of one model's accuracy on one task, what all models share taken off.

    0 where no task has a second draw.
    """
    y = accuracy - accuracy.mean(-1, keepdims=True)
    counts = np.isfinite(y[..., 0]).sum(0)
    squares = np.nansum((y - mean_of_draws(y)) ** 2, 0)[counts > 1]
    return float(np.sqrt((squares / (counts[counts > 1] - 1)[:, None]).mean())) if len(squares) else 0.0


def mean_of_draws(values: Float[np.ndarray, "S T M"]) -> Float[np.ndarray, "T M"]:
    """Over the draws that are there; NaN where there is none. NumPy equivalent: `np.nanmean(values, 0)`."""
    there = np.isfinite(values)
    counts = there.sum(0)
    return np.where(counts > 0, np.where(there, values, 0).sum(0) / np.maximum(counts, 1), np.nan)
