"""Transferability scores: one number a model, larger is better, from the training split only.

Each is a plain function of arrays, `lin_ft.scores.logme(features, labels)`, in a file that bears its name; SCORES has
them all by name with what each needs, its formula, paper, range and cost. A file in this folder with a SCORES of its
own, {name: Score}, adds to them. Functions that look at a whole zoo (`etran`, `ncti`, `feature_metrics`) take the parts
of all models that `*_parts` gives.
"""

from lin_ft.scores.alignment import alignment
from lin_ft.scores.catalogue import RENAMED, SCORES, chosen
from lin_ft.scores.dds import dds
from lin_ft.scores.domain_similarity import domain_similarity
from lin_ft.scores.emms import emms
from lin_ft.scores.etran import etran, etran_classification, etran_energy, etran_parts
from lin_ft.scores.evaluate import array_inputs, combined, evaluate
from lin_ft.scores.factor import ThinSVD, thin_svd
from lin_ft.scores.feature_metrics import feature_metrics, sparsity_parts
from lin_ft.scores.feature_variance import feature_variance
from lin_ft.scores.fisher_distance import fisher_distance
from lin_ft.scores.fisher_ratio import fisher_ratio
from lin_ft.scores.frechet_distance import frechet_distance
from lin_ft.scores.gbc import gbc
from lin_ft.scores.h_score import h_score, shrinkage_h_score
from lin_ft.scores.kernel_loo import kernel_loo_accuracy, kernel_loo_loss
from lin_ft.scores.kernel_target_alignment import kernel_target_alignment
from lin_ft.scores.label_energy import label_energy
from lin_ft.scores.label_feature import label_feature
from lin_ft.scores.label_gradient import class_label_gradient, label_gradient
from lin_ft.scores.labels import encode
from lin_ft.scores.leep import leep
from lin_ft.scores.lin_mse import lab_mse, lin_mse
from lin_ft.scores.linear_probe import linear_probe
from lin_ft.scores.logistic_probe import logistic_probe
from lin_ft.scores.logme import logme, logme_regression
from lin_ft.scores.n_leep import n_leep
from lin_ft.scores.nce import nce
from lin_ft.scores.ncti import ncti, ncti_parts
from lin_ft.scores.nearest_mean import nearest_mean
from lin_ft.scores.nearest_neighbours import nearest_neighbours, nearest_neighbours_chosen
from lin_ft.scores.normalised import NormalisedScore, normalised_label_gradient
from lin_ft.scores.pactran import pactran_gamma, pactran_gaussian, pactran_gradient_norm
from lin_ft.scores.paper import paper_label_feature, paper_label_gradient, paper_scores
from lin_ft.scores.parc import parc
from lin_ft.scores.ped import ped
from lin_ft.scores.predicted_accuracy import predicted_accuracy, predicted_loss
from lin_ft.scores.predicted_decrease import predicted_decrease
from lin_ft.scores.rsa import rsa
from lin_ft.scores.score import INPUTS, Score, Scored, ScoreWarning
from lin_ft.scores.sfda import sfda
from lin_ft.scores.silhouette import silhouette
from lin_ft.scores.supervision_complexity import supervision_complexity
from lin_ft.scores.tangent_norm import tangent_norm
from lin_ft.scores.transrate import transrate
from lin_ft.scores.trivial import best_on_average, largest_model, random_score, reference_always, source_accuracy

__all__ = [
    "INPUTS",
    "RENAMED",
    "SCORES",
    "NormalisedScore",
    "Score",
    "ScoreWarning",
    "Scored",
    "ThinSVD",
    "alignment",
    "array_inputs",
    "best_on_average",
    "chosen",
    "class_label_gradient",
    "combined",
    "dds",
    "domain_similarity",
    "emms",
    "encode",
    "etran",
    "etran_classification",
    "etran_energy",
    "etran_parts",
    "evaluate",
    "feature_metrics",
    "feature_variance",
    "fisher_distance",
    "fisher_ratio",
    "frechet_distance",
    "gbc",
    "h_score",
    "kernel_loo_accuracy",
    "kernel_loo_loss",
    "kernel_target_alignment",
    "lab_mse",
    "label_energy",
    "label_feature",
    "label_gradient",
    "largest_model",
    "leep",
    "lin_mse",
    "linear_probe",
    "logistic_probe",
    "logme",
    "logme_regression",
    "n_leep",
    "nce",
    "ncti",
    "ncti_parts",
    "nearest_mean",
    "nearest_neighbours",
    "nearest_neighbours_chosen",
    "normalised_label_gradient",
    "pactran_gamma",
    "pactran_gaussian",
    "pactran_gradient_norm",
    "paper_label_feature",
    "paper_label_gradient",
    "paper_scores",
    "parc",
    "ped",
    "predicted_accuracy",
    "predicted_decrease",
    "predicted_loss",
    "random_score",
    "reference_always",
    "rsa",
    "sfda",
    "shrinkage_h_score",
    "silhouette",
    "source_accuracy",
    "sparsity_parts",
    "supervision_complexity",
    "tangent_norm",
    "thin_svd",
    "transrate",
]
