"""How close is a predicted accuracy to the measured one?"""

import dataclasses

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError


@dataclasses.dataclass(frozen=True)
class Calibration:
    """Predictions p and measurements a, both fractions; perfect is error 0, bias 0, slope 1, intercept 0."""

    n: int
    mean_absolute_error: float
    """Mean of `|p - a|`."""
    bias: float
    """mean (p - a): positive when too hopeful."""
    slope: float
    """Least squares of a on p: below 1, differences are predicted too large; above 1, too small."""
    intercept: float


def calibration(predicted: Float[np.ndarray, "..."], measured: Float[np.ndarray, "..."]) -> Calibration:
    """Pairs with a value missing are left out; the slope is NaN when all predictions are equal.

    Raises InputError when the shapes differ or no pair is left.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.benchmark import calibration
        >>> found = calibration(np.array([0.5, 0.7, 0.9]), np.array([0.4, 0.5, 0.6]))
        >>> round(found.mean_absolute_error, 3), round(found.bias, 3), round(found.slope, 3)
        (0.2, 0.2, 0.5)
    """
    if predicted.shape != measured.shape:
        raise InputError(f"calibration: {predicted.shape} predictions for {measured.shape} measurements.")
    kept = np.isfinite(predicted) & np.isfinite(measured)
    p, a = predicted[kept], measured[kept]
    if not len(p):
        raise InputError("calibration: no model has both a prediction and a measurement.")
    centred = p - p.mean()
    slope = float(centred @ a / (centred @ centred)) if np.ptp(p) > 0 else float("nan")
    return Calibration(
        n=len(p),
        mean_absolute_error=float(np.abs(p - a).mean()),
        bias=float((p - a).mean()),
        slope=slope,
        intercept=float(a.mean() - slope * p.mean()),
    )
