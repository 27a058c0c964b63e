"""Scores from the empirical neural tangent kernel: what training the linearized network would do with the labels.

`kernel` is (n, n), trace or pseudo form; `targets` are one-hot labels, with or without their mean. `spectrum` is its
eigendecomposition, if at hand. Times and ridges are in units of the mean eigenvalue, so all but `tangent_norm` are
unchanged by the kernel's scale.
"""

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.scores.alignment import alignment
from lin_ft.scores.inputs import classes_of, matrix, one_hot
from lin_ft.typing import Array

RIDGES = tuple(10.0**power for power in range(-4, 2))


def kernel_target_alignment(kernel: Float[Array, "n n"], labels: Array) -> float:
    """<K, K_Y> / (||K||_F ||K_Y||_F), (K_Y)_ij = 1 for the same class, -1/(C - 1) otherwise; nothing is centred.

    Cristianini et al., NeurIPS 2001, with the label kernel of many classes (+-1 for two). Range [-1, 1],
    higher is better. Cost: O(n²).

    Raises:
        InputError: a kernel that is not finite or does not go with the labels.
    """
    theta = _square(kernel)
    y = classes_of(labels, len(theta))
    same = one_hot(y) @ one_hot(y).T
    label_kernel = same - (1 - same) / (y.max())
    norm = float(np.linalg.norm(theta) * np.linalg.norm(label_kernel))
    return float(np.vdot(theta, label_kernel)) / norm if norm > 0 else 0.0


def predicted_decrease(
    kernel: Float[Array, "n n"] | Float[Array, "n C n C"],
    targets: Float[Array, "n C"],
    *,
    time: float = 10.0,
    spectrum=None,
) -> float:
    """Share of the squared loss that gradient flow removes in time t: sum_k (1 - exp(-2 t l_k)) (v_k·r)² / ||r||².

    Paper, eqs. 1 and 3, with l_k in units of their mean. Range [0, 1], higher is better; its slope at t = 0 is
    2 x Label-Gradient in its `trace` form x n. Of a full kernel, (n, C, n, C), the sum is over its n C eigenvectors.
    Cost: one eigendecomposition.

    Raises:
        InputError: a kernel that is not symmetric and positive semi-definite, targets that do not go with it.
    """
    spectrum = _spectrum(kernel, spectrum)
    energy = spectrum.label_energy(targets)
    total = float(energy.sum())
    decayed = -np.expm1(-2 * time * spectrum.eigenvalues / spectrum.scale)
    return float(decayed @ energy) / total if total > 0 else 0.0


def kernel_loo_accuracy(
    kernel: Float[Array, "n n"], targets: Float[Array, "n C"], labels: Array, *, spectrum=None
) -> float:
    """Leave-one-out accuracy of kernel ridge regression at the ridge of least leave-one-out loss.

    r_loo,i = [A⁻¹ r]_i / [A⁻¹]_ii, A = Theta + ridge I. Range [0, 1], higher is better. Cost: one eigendecomposition
    and O(n² C) a ridge. `lin_ft.predict.select` chooses a training time as well.
    """
    return _loo(kernel, targets, labels, spectrum).accuracy


def kernel_loo_loss(
    kernel: Float[Array, "n n"], targets: Float[Array, "n C"], labels: Array, *, spectrum=None
) -> float:
    """Minus the least leave-one-out loss of the ridges, (1 / 2n) sum of squares, of which `kernel_loo_accuracy` is the
    accuracy. Range (-inf, 0], higher is better. Cost: one eigendecomposition and O(n² C) a ridge.
    """
    return -_loo(kernel, targets, labels, spectrum).loss


def supervision_complexity(
    kernel: Float[Array, "n n"], targets: Float[Array, "n C"], *, ridge: float = 1e-3, spectrum=None
) -> float:
    """-(1/n) sqrt(tr(Yᵀ A⁻¹ Y) tr A), A = Theta + ridge I: the labels' norm in the kernel's space, on its own scale.

    Harutyunyan et al., ICLR 2023 (supervision complexity; paper, eq. 4: yᵀ Theta⁻¹ y); the ridge keeps a singular
    kernel invertible. Range (-inf, 0], higher is better. Cost: one eigendecomposition.
    """
    spectrum = _spectrum(kernel, spectrum)
    values = spectrum.eigenvalues / spectrum.scale + ridge
    return float(-np.sqrt(np.sum(spectrum.label_energy(targets) / values) * values.sum()) / len(values))


def label_energy(
    kernel: Float[Array, "n n"], targets: Float[Array, "n C"], *, top: int | None = None, spectrum=None
) -> float:
    """Share of ||Y||² in the `top` (by default C) eigenvectors with the largest eigenvalues.

    Paper, eq. 4, before the division by lambda_k. Range [0, 1], higher is better. Cost: one eigendecomposition.
    Ties of eigenvalues at the cut make it depend on the eigenvectors chosen.
    """
    spectrum = _spectrum(kernel, spectrum)
    energy = spectrum.label_energy(targets)
    total = float(energy.sum())
    return float(energy[-(top or np.shape(targets)[1]) :].sum()) / total if total > 0 else 0.0


def tangent_norm(
    kernel: Float[Array, "n n"], targets: Float[Array, "n C"], *, ridge: float = 1e-3, spectrum=None
) -> float:
    """-||w - w0|| of the linearized fine-tuning: sqrt(tr(Yᵀ A⁻¹ Theta A⁻¹ Y)), A = Theta + ridge mean(lambda) I.

    The length of the task vector (Ilharco et al., ICLR 2023) in the tangent space (Ortiz-Jimenez et al., NeurIPS 2023):
    less movement, so higher is better. Range (-inf, 0], in units of the weights. Cost: one eigendecomposition.
    """
    spectrum = _spectrum(kernel, spectrum)
    values = spectrum.eigenvalues
    return float(-np.sqrt(np.sum(spectrum.label_energy(targets) * values / (values + ridge * spectrum.scale) ** 2)))


def feature_alignment(features: Float[Array, "n d"], targets: Float[Array, "n C"], *, form: str) -> float:
    """`lin_ft.scores.label_feature` in one form: the kernel of the features against the labels.

    Range [0, inf) for `raw`, [0, 1] for `trace`, [-1, 1] for the others; higher is better. Cost: O(n d min(n, d)).
    """
    from lin_ft.scores.label_feature import label_feature

    return label_feature(matrix(features), np.asarray(targets, np.float64), form=form)


def kernel_alignment(kernel: Float[Array, "n n"], targets: Float[Array, "n C"], *, form: str) -> float:
    """`lin_ft.scores.alignment` in one form: the tangent kernel against the labels, Label-Gradient.

    Range [0, inf) for `raw`, [0, 1] for `trace`, [-1, 1] for the others; higher is better. Cost: O(n² C).
    """
    return alignment(_square(kernel), np.asarray(targets, np.float64), form=form)


def _loo(kernel: Array, targets: Array, labels: Array, spectrum):
    from lin_ft.predict import select

    spectrum = _spectrum(kernel, spectrum)
    y = classes_of(labels, len(spectrum.eigenvalues))
    return select(spectrum, np.asarray(targets, np.float64), y, [np.inf], [ridge * spectrum.scale for ridge in RIDGES])


def _spectrum(kernel: Array, spectrum):
    from lin_ft.predict import decompose

    if spectrum is not None:
        return spectrum
    return decompose(kernel if np.ndim(kernel) == 4 else _square(kernel))


def _square(kernel: Array) -> Float[np.ndarray, "n n"]:
    theta = matrix(kernel, "kernel")
    if theta.shape[0] != theta.shape[1]:
        raise InputError(f"kernel: shape {theta.shape}; give (n, n).")
    return theta
