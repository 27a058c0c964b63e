"""Closed forms of training the linearized network: curves, test predictions, leave-one-out, gains."""

from lin_ft.predict.gain import bootstrap_interval, predicted_gain
from lin_ft.predict.gradient_flow import dual_coefficients, loss_decrease, predict_logits, training_residuals
from lin_ft.predict.leave_one_out import leave_one_out, leave_one_out_by_refit
from lin_ft.predict.selection import Prediction, loo_correct, loo_loss, select
from lin_ft.predict.spectrum import Spectrum, decompose

__all__ = [
    "Prediction",
    "Spectrum",
    "bootstrap_interval",
    "decompose",
    "dual_coefficients",
    "leave_one_out",
    "leave_one_out_by_refit",
    "loo_correct",
    "loo_loss",
    "loss_decrease",
    "predict_logits",
    "predicted_gain",
    "select",
    "training_residuals",
]
