"""Label-Feature Correlation: agreement of Theta_F = phi phiᵀ with the labels (paper, eqs. 6 to 8).

From features alone.
"""

import numpy as np
from jaxtyping import Float

from lin_ft.functions import check_inputs
from lin_ft.scores.alignment import alignment, check_form, normal_form
from lin_ft.scores.inputs import real
from lin_ft.typing import Array, Features


def label_feature(
    features: Features, targets: Float[Array, "n C"], *, form: str = "pearson", bias: bool = False
) -> float:
    """Agreement of phi phiᵀ with Y Yᵀ, in one of `alignment.FORMS`.

    With `bias`, of phi phiᵀ + 1: the kernel of a linear head.

    The same as `alignment(phi @ phi.T, targets, form=form)` without the (n, n) kernel: <K, T> = ||phiᵀ Y||²
    and ||K||_F = ||phiᵀ phi||_F. With a zero head, Label-Gradient of the whole network is this with `bias`.
    `pearson` with one-hot or ±1 labels is the paper's score (eq. 8); the coding drops out.
    Cost: O(n d (d + C)) or O(n² d), whichever is less; float64.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import encode, label_feature
        >>> x = np.array([[0.0, 1.0], [0.0, 2.0], [4.0, 1.0], [4.0, 2.0]])
        >>> [round(label_feature(x, encode(np.array(labels))), 3) for labels in ([0, 0, 1, 1], [0, 1, 0, 1])]
        [0.57, 0.036]

    Raises:
        InputError: an unknown form, shapes that do not fit, values that are not finite.
    """
    check_form(form)
    phi, y = real(features, "features"), real(targets, "targets")
    check_inputs({}, phi, y)
    if bias:
        phi = np.concatenate([phi, np.ones((len(phi), 1))], axis=1)
    if form == "cka":
        phi, y = phi - phi.mean(0), y - y.mean(0)
    return normal_form(
        form,
        raw=float(np.sum((phi.T @ y) ** 2)),
        traces=(float(np.sum(phi**2)), float(np.sum(y**2))),
        squared_norms=(_squared_norm(phi), _squared_norm(y)),
        sums=(float(np.sum(phi.sum(0) ** 2)), float(np.sum(y.sum(0) ** 2))),
        n=len(y),
    )


def label_feature_by_kernel(
    features: Features, targets: Float[Array, "n C"], *, form: str = "pearson", bias: bool = False
) -> float:
    """The slow, obvious twin of `label_feature`."""
    phi = np.asarray(features, np.float64)
    return alignment(phi @ phi.T + float(bias), targets, form=form)


def _squared_norm(phi: np.ndarray) -> float:
    """||phi phiᵀ||_F² from the smaller of the two Gram matrices."""
    small = phi.T @ phi if phi.shape[1] < phi.shape[0] else phi @ phi.T
    return float(np.sum(small**2))
