# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false
"""What a classification score is given, checked once: float64 features and labels 0 .. C-1 of the classes present."""

import numpy as np
from jax import numpy as jnp
from jaxtyping import Float, Int

from lin_ft.errors import InputError
from lin_ft.typing import Array

Matrix = Float[np.ndarray, "_ _"]
Classes = Int[np.ndarray, " _"]


def matrix(values: Array, name: str = "features") -> Matrix:
    """A (n, d) array in float64, not to be written to: it may be the caller's.

    Raises:
        InputError: another number of axes, no entries, NaN or infinite values.
    """
    array = np.asarray(values)
    if array.ndim != 2 or not array.size or not _is_real(array):
        raise InputError(f"{name}: shape {array.shape} of {array.dtype}; give numbers, one row a sample.")
    array = array.astype(np.float64, copy=False)
    if not np.isfinite(array).all():
        raise InputError(f"{name}: NaN or infinite values; check the inputs and the weights.")
    return array


def real(values: Array, name: str) -> Float[np.ndarray, "..."]:
    """The array in float64; values that are not finite pass.

    Raises:
        InputError: complex numbers, text, objects.
    """
    array = np.asarray(values)
    if not _is_real(array) and array.dtype != bool:
        raise InputError(f"{name}: {array.dtype} values; give real numbers.")
    return array.astype(np.float64, copy=False)


def _is_real(array: np.ndarray) -> bool:
    """bfloat16 and its like are void to NumPy, but numbers to JAX."""
    return jnp.issubdtype(array.dtype, np.floating) or jnp.issubdtype(array.dtype, np.integer)


def classes_of(labels: Array, n: int) -> Classes:
    """Labels as positions among the classes present, 0 .. C-1: a score must not depend on their names.

    Raises:
        InputError: not one integer a sample, a negative label, fewer than two classes.
    """
    array = np.asarray(labels)
    if array.shape != (n,):
        raise InputError(f"labels: shape {array.shape}, but there are {n} samples; give one label a sample.")
    if not jnp.issubdtype(array.dtype, np.integer):
        raise InputError(f"labels: {array.dtype} values; classification needs integers, not regression targets.")
    array = array.astype(np.int64)
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
        InputError: a negative entry, a row whose sum is off one by more than 0.001 (or the rounding of its dtype).
    """
    theta = matrix(values, name)
    dtype = np.asarray(values).dtype
    rounding = float(jnp.finfo(dtype).eps) if jnp.issubdtype(dtype, np.floating) else 0.0
    sums = theta.sum(1, keepdims=True)
    if theta.min() < 0:
        raise InputError(f"{name}: {theta.min():.3g} is negative; give probabilities, not logits.")
    if np.abs(sums - 1).max() > max(1e-3, rounding):
        raise InputError(f"{name}: a row sums to {sums[np.abs(sums - 1).argmax(), 0]:.3g}; each must sum to one.")
    return theta / sums


def one_hot(y: Classes) -> Float[np.ndarray, "n C"]:
    """1 at (i, y_i), else 0; as many columns as the largest label needs."""
    return np.eye(y.max() + 1)[y]


def class_means(phi: Matrix, y: Classes) -> tuple[Float[np.ndarray, "C d"], Float[np.ndarray, " C"]]:
    """Mean of each class and its number of samples."""
    counts = np.bincount(y).astype(np.float64)
    return one_hot(y).T @ phi / counts[:, None], counts


def within(phi: Matrix, y: Classes) -> Matrix:
    """Each row minus the mean of its class."""
    return phi - class_means(phi, y)[0][y]
