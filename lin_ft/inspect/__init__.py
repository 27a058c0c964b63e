"""What the kernel of a ranking says of the images: suspicious labels, duplicates, influence."""

from lin_ft.inspect.config import InspectConfig
from lin_ft.inspect.duplicates import Duplicates, Pair, Place, duplicates, kernel_distances, near_pairs
from lin_ft.inspect.influence import Influence, influence, left_out_loss_changes, loss_changes, loss_without
from lin_ft.inspect.inspection import Inspection, inspect_task
from lin_ft.inspect.label_errors import LabelErrors, label_errors, suspicious
from lin_ft.inspect.models import Asked, likely_best

__all__ = [
    "Asked",
    "Duplicates",
    "Influence",
    "InspectConfig",
    "Inspection",
    "LabelErrors",
    "Pair",
    "Place",
    "duplicates",
    "influence",
    "inspect_task",
    "kernel_distances",
    "label_errors",
    "left_out_loss_changes",
    "likely_best",
    "loss_changes",
    "loss_without",
    "near_pairs",
    "suspicious",
]
