"""Closed forms of training the linearized network: curves, test predictions, leave-one-out, gains."""

from lin_ft.predict.cross_entropy import predict_logits_by_cross_entropy
from lin_ft.predict.gain import balanced_accuracy, bootstrap_interval, is_unbalanced, predicted_gain
from lin_ft.predict.gradient_descent import (
    descent_coefficients,
    largest_stable_learning_rate,
    predict_logits_by_descent,
)
from lin_ft.predict.gradient_flow import dual_coefficients, loss_decrease, predict_logits, training_residuals
from lin_ft.predict.k_fold import k_fold, matchings, stratified_folds
from lin_ft.predict.leave_one_out import leave_one_out, leave_one_out_by_refit
from lin_ft.predict.leave_out import leave_folds_out, leave_groups_out
from lin_ft.predict.matrix_free import ridge_coefficients_by_cg
from lin_ft.predict.posterior import ensemble_covariance, posterior_covariance
from lin_ft.predict.primal import (
    PrimalSpectrum,
    decompose_features,
    primal_leave_one_out,
    primal_predict,
    primal_residuals,
    primal_weights,
)
from lin_ft.predict.selection import Prediction, loo_accuracy, loo_correct, loo_loss, select
from lin_ft.predict.spectrum import Spectrum, decompose
from lin_ft.predict.two_clocks import (
    backbone_decrease,
    backbone_part,
    budget_time,
    head_decrease,
    train_both_parts,
)

__all__ = [
    "Prediction",
    "PrimalSpectrum",
    "Spectrum",
    "backbone_decrease",
    "backbone_part",
    "balanced_accuracy",
    "bootstrap_interval",
    "budget_time",
    "decompose",
    "decompose_features",
    "descent_coefficients",
    "dual_coefficients",
    "ensemble_covariance",
    "head_decrease",
    "is_unbalanced",
    "k_fold",
    "largest_stable_learning_rate",
    "leave_folds_out",
    "leave_groups_out",
    "leave_one_out",
    "leave_one_out_by_refit",
    "loo_accuracy",
    "loo_correct",
    "loo_loss",
    "loss_decrease",
    "matchings",
    "posterior_covariance",
    "predict_logits",
    "predict_logits_by_cross_entropy",
    "predict_logits_by_descent",
    "predicted_gain",
    "primal_leave_one_out",
    "primal_predict",
    "primal_residuals",
    "primal_weights",
    "ridge_coefficients_by_cg",
    "select",
    "stratified_folds",
    "train_both_parts",
    "training_residuals",
]
