"""What fine-tuning will gain over the reference, in points: prior and evidence to one posterior."""

from lin_ft.gain.calibration import ACROSS_TERMS, TERMS, Calibration, Candidate, load
from lin_ft.gain.evidence import Sight, terms
from lin_ft.gain.fit import Fitted, fit
from lin_ft.gain.judge import Judged, averaged, judge, judge_gains, leaving_tasks_out
from lin_ft.gain.posterior import Coefficients, Posterior, Prior, posterior, standardised
from lin_ft.gain.predict import Gains, predict_gains

__all__ = [
    "ACROSS_TERMS", "TERMS", "Calibration", "Candidate", "Coefficients", "Fitted", "Gains", "Judged", "Posterior",
    "Prior", "Sight", "averaged", "fit", "judge", "judge_gains", "leaving_tasks_out", "load", "posterior",
    "predict_gains", "standardised", "terms",
]  # fmt: skip
