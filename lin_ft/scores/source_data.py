"""Features and labels of the source data, checked against the target's."""

import numpy as np

from lin_ft.errors import InputError
from lin_ft.scores.inputs import Matrix, classes_of, matrix
from lin_ft.typing import Array


def source_classes(features: Array, source_features: Array, source_labels: Array) -> tuple[Matrix, np.ndarray]:
    """Source features and their labels as classes, checked against each other and the target's width."""
    source = same_width(matrix(features), source_features)
    return source, classes_of(source_labels, len(source))


def same_width(phi: Matrix, source_features: Array) -> Matrix:
    """Source features as a float64 matrix; InputError where they have not as many columns as `phi`."""
    source = matrix(source_features, "source features")
    if source.shape[1] != phi.shape[1]:
        raise InputError(f"source features: {source.shape[1]} columns, but the target's have {phi.shape[1]}.")
    return source
