"""What a classification score is given, checked once: float64 features and labels 0 .. C-1 of the classes present."""

import numpy as np
from jaxtyping import Float, Int

from lin_ft.errors import InputError
from lin_ft.typing import Array

Matrix = Float[np.ndarray, "_ _"]
Classes = Int[np.ndarray, " _"]


def matrix(values: Array, name: str = "features") -> Matrix:
    """A (n, d) array in float64.

    Raises:
        InputError: another number of axes, no entries, NaN or infinite values.
    """
    array = np.asarray(values)
    if array.ndim != 2 or not array.size or array.dtype.kind not in "fiu":
        raise InputError(f"{name}: shape {array.shape} of {array.dtype}; give numbers, one row a sample.")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise InputError(f"{name}: NaN or infinite values; check the inputs and the weights.")
    return array


def classes_of(labels: Array, n: int) -> Classes:
    """Labels as positions among the classes present, 0 .. C-1: a score must not depend on their names.

    Raises:
        InputError: not one integer a sample, a negative label, fewer than two classes.
    """
    array = np.asarray(labels)
    if array.shape != (n,):
        raise InputError(f"labels: shape {array.shape}, but there are {n} samples; give one label a sample.")
    if array.dtype.kind not in "iu":
        raise InputError(f"labels: {array.dtype} values; classification needs integers, not regression targets.")
    if array.min() < 0:
        raise InputError(f"labels: {array.min()} is outside the range; classes are numbered from 0.")
    present, positions = np.unique(array, return_inverse=True)
    if len(present) < 2:
        raise InputError("labels: one class; at least two are needed.")
    return positions.astype(np.int64)


def labelled(features: Array, labels: Array) -> tuple[Matrix, Classes]:
    """Checked features and classes; raises what `matrix` and `classes_of` raise."""
    phi = matrix(features)
    return phi, classes_of(labels, len(phi))


def probabilities(values: Array, name: str = "source probabilities") -> Matrix:
    """Rows of probabilities, (n, Z), made to sum to one exactly.

    Raises:
        InputError: a negative entry, a row whose sum is off one by more than 0.001.
    """
    theta = matrix(values, name)
    sums = theta.sum(1, keepdims=True)
    if theta.min() < 0:
        raise InputError(f"{name}: {theta.min():.3g} is negative; give probabilities, not logits.")
    if np.abs(sums - 1).max() > 1e-3:
        raise InputError(f"{name}: a row sums to {sums[np.abs(sums - 1).argmax(), 0]:.3g}; each must sum to one.")
    return theta / sums


def one_hot(y: Classes) -> Float[np.ndarray, "n C"]:
    return np.eye(y.max() + 1)[y]


def class_means(phi: Matrix, y: Classes) -> tuple[Float[np.ndarray, "C d"], Float[np.ndarray, " C"]]:
    """Mean of each class and its number of samples."""
    counts = np.bincount(y).astype(np.float64)
    return one_hot(y).T @ phi / counts[:, None], counts


def within(phi: Matrix, y: Classes) -> Matrix:
    """Each row minus the mean of its class."""
    return phi - class_means(phi, y)[0][y]
