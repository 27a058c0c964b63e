"""Transferability scores: one number a model, larger is better, from the training split only."""

from lin_ft.scores.alignment import alignment
from lin_ft.scores.label_feature import label_feature
from lin_ft.scores.label_gradient import class_label_gradient, label_gradient
from lin_ft.scores.labels import encode
from lin_ft.scores.normalised import NormalisedScore, normalised_label_gradient
from lin_ft.scores.paper import paper_label_feature, paper_label_gradient, paper_scores

__all__ = [
    "NormalisedScore",
    "alignment",
    "class_label_gradient",
    "encode",
    "label_feature",
    "label_gradient",
    "normalised_label_gradient",
    "paper_label_feature",
    "paper_label_gradient",
    "paper_scores",
]
