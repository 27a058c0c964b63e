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
    """Standard deviation of the models' advantages about 0, what an unknown model is given."""


def fit(
    accuracy: Float[np.ndarray, "S T M"],
    evidence: Float[np.ndarray, "S T M"],
    groups: Sequence[str],
    reference: int,
    *,
    across: float | None = None,
    draw: float | None = None,
    calibrated: bool = True,
) -> Fitted:
    """Maximum likelihood of w, b, the reference's advantage, the spread of a_m and the noise; then each a_m.

    The reference was chosen for what it did on past tasks, so its advantage is a coefficient of its own; the others'
    are drawn about 0 and shrink towards it.

    `accuracy` in points, of S draws; `evidence` that of the same draws. Accuracies are centred over the models of a
    task and draw, since c is free. What a draw adds (`draw`, by default from the differences between these draws, see
    `draw_noise`) is not counted as noise of the model. With one architecture b is not identified: then `across` is
    taken as given, w where that is not. A linear mixed model (Henderson 1975). `calibrated`: the noise is then scaled
    so that, leaving each task out, 90 % of the gains lie inside their 90 % intervals: tasks differ in spread, which one
    normal distribution does not know. Cost: one fit for each task, a second.

    Raises:
        InputError: fewer than two tasks or models, values that are missing.
    """
    import scipy.optimize

    y, e = np.asarray(accuracy, np.float64), np.asarray(evidence, np.float64)
    n_draws, n_tasks, n_models = y.shape
    if n_tasks < 2 or n_models < 2:
        raise InputError(f"fit: {n_tasks} tasks and {n_models} models; at least two of each are needed.")
    if y.shape != e.shape or not (np.isfinite(y).all() and np.isfinite(e).all()):
        raise InputError("fit: accuracies and evidence must be of the same shape, and complete.")
    y = y - y.mean(-1, keepdims=True)
    draw = draw_noise(y) if draw is None else draw
    mean = y.mean(0)
    split = np.stack([[parts(e[s, t], groups) for t in range(n_tasks)] for s in range(n_draws)])  # (S, T, 2, M)
    x = split.mean(0).transpose(0, 2, 1)  # (T, M, 2)
    identified = np.ptp(x[..., 1]) > 1e-9
    is_reference = np.broadcast_to((np.arange(n_models) == reference) - 1 / n_models, (n_tasks, n_models))
    x = np.concatenate([x[..., : 1 + identified], is_reference[..., None]], -1)

    def weights(tau: float, sigma: float) -> tuple[np.ndarray, float]:
        """Generalised least squares of the coefficients, and minus twice the log-likelihood (Woodbury, a model)."""
        within, common = 1 / sigma**2, tau**2 / (sigma**2 * (sigma**2 + n_tasks * tau**2))

        def inner(one: np.ndarray, other: np.ndarray) -> np.ndarray:
            return within * np.tensordot(one, other, ([0, 1], [0, 1])) - common * np.tensordot(
                one.sum(0), other.sum(0), ([0], [0])
            )

        solution = np.linalg.solve(inner(x, x) + 1e-9 * np.eye(x.shape[-1]), inner(x, mean[..., None])[:, 0])
        rest = (mean - x @ solution)[..., None]
        log_det = n_models * ((n_tasks - 1) * np.log(sigma**2) + np.log(sigma**2 + n_tasks * tau**2))
        return solution, float(inner(rest, rest)[0, 0] + log_det)

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
    noise = np.sqrt(max(sigma**2 - draw**2 / n_draws, 0.25 * sigma**2))
    if calibrated and n_tasks > 2:
        noise *= _stretch(y, e, groups, reference, across, draw)
    return Fitted(
        Coefficients(
            within=float(solution[0]),
            across=float(solution[1] if identified else solution[0] if across is None else across),
            noise=float(noise),
            draw=draw,
        ),
        tuple(Prior(float(mean), float(sd)) for mean, sd in zip(advantages, sds, strict=True)),
        float(tau),
    )


def _stretch(
    y: np.ndarray, e: np.ndarray, groups: Sequence[str], reference: int, across: float | None, draw: float
) -> float:
    """What the noise has to be multiplied by, from the residuals of tasks that are left out."""
    n_draws, n_tasks, n_models = y.shape
    compared = np.arange(n_models) != reference
    errors, variances = [], []
    for task in range(n_tasks):
        rest = np.arange(n_tasks) != task
        fitted = fit(y[:, rest], e[:, rest], groups, reference, across=across, draw=draw, calibrated=False)
        told = posterior(e[:, task].mean(0), groups, fitted.priors, fitted.coefficients, reference)
        measured = y[:, task].mean(0)
        errors.append((told.gain - measured + measured[reference])[compared])
        certain = told.gain_sd[compared] ** 2 - 2 * fitted.coefficients.noise**2 + 2 * draw**2 / n_draws
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

    0 with a single draw.
    """
    y = accuracy - accuracy.mean(-1, keepdims=True)
    return float(np.sqrt(y.var(0, ddof=1).mean())) if len(y) > 1 else 0.0
