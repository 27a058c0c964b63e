"""What fine-tuning will gain over the reference, in points: prior and evidence to one posterior."""

from lin_ft.gain.calibration import TERMS, Calibration, load
from lin_ft.gain.evidence import Sight, terms
from lin_ft.gain.fit import Fitted, fit
from lin_ft.gain.judge import Judged, judge, judge_gains, leaving_tasks_out
from lin_ft.gain.posterior import Coefficients, Posterior, Prior, posterior, standardised
from lin_ft.gain.predict import Gains, predict_gains

__all__ = [
    "TERMS", "Calibration", "Coefficients", "Fitted", "Gains", "Judged", "Posterior", "Prior", "Sight", "fit", "judge",
    "judge_gains", "leaving_tasks_out", "load", "posterior", "predict_gains", "standardised", "terms",
]  # fmt: skip
