"""Transferability scores: one number a model, larger is better, from the training split only."""

from lin_ft.scores.alignment import alignment
from lin_ft.scores.label_feature import label_feature
from lin_ft.scores.label_gradient import class_label_gradient, label_gradient
from lin_ft.scores.labels import encode

__all__ = ["alignment", "class_label_gradient", "encode", "label_feature", "label_gradient"]
