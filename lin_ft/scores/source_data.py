"""Features and labels of the source data, checked against the target's."""

import numpy as np

from lin_ft.errors import InputError
from lin_ft.scores.inputs import Matrix, classes_of, matrix
from lin_ft.typing import Array


def source_classes(features: Array, source_features: Array, source_labels: Array) -> tuple[Matrix, np.ndarray]:
    source = same_width(matrix(features), source_features)
    return source, classes_of(source_labels, len(source))


def same_width(phi: Matrix, source_features: Array) -> Matrix:
    source = matrix(source_features, "source features")
    if source.shape[1] != phi.shape[1]:
        raise InputError(f"source features: {source.shape[1]} columns, but the target's have {phi.shape[1]}.")
    return source
