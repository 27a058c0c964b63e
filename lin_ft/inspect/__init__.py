"""What the kernel of a ranking says of the images: labels, duplicates, influence, what to label next."""

from lin_ft.inspect.attribution import attribution, linear_datamodeling_score, margins
from lin_ft.inspect.config import InspectConfig
from lin_ft.inspect.duplicates import Duplicates, Pair, Place, duplicates, kernel_distances, near_pairs
from lin_ft.inspect.influence import Influence, influence, left_out_loss_changes, loss_changes, loss_without
from lin_ft.inspect.inspection import Inspection, inspect_task
from lin_ft.inspect.label_errors import LabelErrors, label_errors, suspicious
from lin_ft.inspect.models import Asked, likely_best
from lin_ft.inspect.next_labels import (
    NextLabels,
    disagreement,
    next_labels,
    pool_covariance,
    reduce_variance,
    spread_choice,
)
from lin_ft.inspect.transport import Transport, looks_like, transport

__all__ = [
    "Asked",
    "Duplicates",
    "Influence",
    "InspectConfig",
    "Inspection",
    "LabelErrors",
    "NextLabels",
    "Pair",
    "Place",
    "Transport",
    "attribution",
    "disagreement",
    "duplicates",
    "influence",
    "inspect_task",
    "kernel_distances",
    "label_errors",
    "left_out_loss_changes",
    "likely_best",
    "linear_datamodeling_score",
    "looks_like",
    "loss_changes",
    "loss_without",
    "margins",
    "near_pairs",
    "next_labels",
    "pool_covariance",
    "reduce_variance",
    "spread_choice",
    "suspicious",
    "transport",
]
