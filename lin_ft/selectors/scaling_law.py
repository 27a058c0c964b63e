"""Extrapolation: fine-tune on growing subsets, fit the loss or error over the number of images, read it off beyond.

The rectified scaling law (Lin et al. 2024, "Selecting large language model to fine-tune via rectified scaling law",
arXiv 2402.02314): before a power law sets in, what the model knows already keeps the loss flat.
"""

import dataclasses

import numpy as np
from jaxtyping import Float
from scipy.optimize import least_squares

from lin_ft.errors import InputError

LEAST_POINTS = 4
"""The rectified law has four parameters; below, a power law is fitted."""


@dataclasses.dataclass(frozen=True)
class ScalingLaw:
    """L(D) = scale / (pretrained + D^exponent) + floor, D the number of training images, all parameters at least 0.

    `pretrained` is what pre-training is worth: D_l of the paper; 0 gives the power law. L falls in D.
    """

    scale: float
    pretrained: float
    exponent: float
    floor: float
    residual: float
    """Root mean square of log L fitted minus log L measured."""

    def __call__(self, sizes: Float[np.ndarray, " k"] | float) -> Float[np.ndarray, " k"] | float:
        """L at these numbers of images."""
        return self.scale / (self.pretrained + np.power(sizes, self.exponent)) + self.floor


def fit_scaling_law(sizes: Float[np.ndarray, " k"], losses: Float[np.ndarray, " k"]) -> ScalingLaw:
    """Least squares of log L with Huber's loss at 0.01, from 12 starts; a power law below 4 points.

    `losses` may be errors (1 - accuracy) as well, anything above 0 that falls with more images. Cost: half a second on
    one CPU core.

    Raises InputError for fewer than two different sizes, sizes below 1, losses that are not above 0 and finite.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.selectors import fit_scaling_law
        >>> sizes = np.array([5.0, 10.0, 20.0, 40.0, 80.0])
        >>> law = fit_scaling_law(sizes, 0.1 + 0.9 / (2 + sizes**0.5))
        >>> bool(abs(law(320.0) / (0.1 + 0.9 / (2 + 320**0.5)) - 1) < 0.1)
        True
    """
    _check(sizes, losses)
    if len(sizes) < LEAST_POINTS:
        return power_law(sizes, losses)
    unit = np.log(losses)

    def residuals(theta: np.ndarray) -> np.ndarray:
        scale, pretrained, exponent, floor = np.exp(theta)
        return np.log(scale / (pretrained + sizes**exponent) + floor) - unit

    best = None
    low = np.log([1e-9, 1e-9, 1e-2, 1e-9])
    high = np.log([1e12, 1e9, 5.0, float(losses.min())])  # no floor above what was measured
    for exponent in (0.3, 0.7, 1.5):
        for pretrained in (1e-6, float(np.median(sizes)) ** exponent):
            for floor in (0.01, 0.9):
                scale = losses[0] * (pretrained + sizes[0] ** exponent)
                start = np.clip(np.log([scale, pretrained, exponent, floor * losses.min()]), low + 1e-6, high - 1e-6)
                fit = least_squares(residuals, start, bounds=(low, high), loss="huber", f_scale=0.01, max_nfev=500)
                if best is None or fit.cost < best.cost:
                    best = fit
    assert best is not None
    scale, pretrained, exponent, floor = (float(value) for value in np.exp(best.x))
    residual = float(np.sqrt(np.mean(residuals(best.x) ** 2)))
    return ScalingLaw(scale, pretrained, exponent, floor, residual)


def power_law(
    sizes: Float[np.ndarray, " k"], losses: Float[np.ndarray, " k"], exponent: float | None = None
) -> ScalingLaw:
    """L(D) = scale / D^exponent, a line in log-log; exponent at least 0, or given (a single size then suffices).

    Examples:
        >>> import numpy as np
        >>> from lin_ft.selectors import power_law
        >>> law = power_law(np.array([10.0, 100.0]), np.array([0.5, 0.05]))
        >>> round(law.exponent, 3), round(float(law(1000.0)), 4)
        (1.0, 0.005)
    """
    _check(sizes, losses, least=2 if exponent is None else 1)
    x, y = np.log(sizes), np.log(losses)
    if exponent is None:
        centred = x - x.mean()
        exponent = max(0.0, float(-(centred @ y) / (centred @ centred)))
    intercept = float(np.mean(y + exponent * x))
    residual = float(np.sqrt(np.mean((intercept - exponent * x - y) ** 2)))
    return ScalingLaw(float(np.exp(intercept)), 0.0, exponent, 0.0, residual)


def _check(sizes: np.ndarray, losses: np.ndarray, least: int = 2) -> None:
    if len(sizes) != len(losses) or len(np.unique(sizes)) < least:
        raise InputError(
            f"{len(sizes)} sizes and {len(losses)} losses: give one loss a size, for {least} sizes at least."
        )
    if not (np.isfinite(sizes).all() and np.isfinite(losses).all() and sizes.min() >= 1 and losses.min() > 0):
        raise InputError("A scaling law needs sizes from 1 on, and losses that are finite and above 0.")
