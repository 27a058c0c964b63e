"""Raw and normalised agreement of a kernel K with the label kernel T = Y Yᵀ; float64 on the host.

| form | value | range |
| --- | --- | --- |
| `raw` | <K, T> = tr(Yᵀ K Y) | >= 0 for a positive semi-definite K |
| `trace` | <K, T> / (tr K tr T) | [0, 1] for such K |
| `cosine` | <K, T> / (norm K norm T) | [-1, 1] |
| `cka` | the cosine of H K H and H T H, H = I - 11ᵀ/n: rows and columns centred | [-1, 1] |
| `pearson` | Pearson correlation of all n² entries: a scalar mean removed (paper, eq. 8) | [-1, 1] |

All norms are Frobenius norms (the paper's ||.||_2 is not the spectral norm). `cka` ignores a common offset of
the features, `pearson` and `cosine` do not.
"""

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.scores.inputs import real
from lin_ft.typing import Array

FORMS = ("raw", "trace", "cosine", "cka", "pearson")


def alignment(
    kernel: Float[Array, "n n"] | Float[Array, "n C n C"],
    targets: Float[Array, "n C"],
    *,
    form: str = "cosine",
) -> float:
    """Agreement of a kernel with Y = `targets` (labels or residuals) in one of FORMS; 0 where a norm vanishes.

    A full kernel, (n, C, n, C), is compared with y yᵀ, y the vector of all n C targets: `raw` is then yᵀ
    Theta y, and `cka` centres over samples, for each output by itself. Cost: O(n² C), or O(n² C²) for a full
    kernel.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.scores import alignment
        >>> x, labels = np.array([[0.0, 1.0], [0.0, 2.0], [4.0, 1.0], [4.0, 2.0]]), np.array([0, 0, 1, 1])
        >>> kernel, targets = x @ x.T + 1, np.eye(2)[labels] - 0.5
        >>> round(alignment(kernel, targets), 3)
        0.397

    Raises:
        InputError: an unknown form, shapes that do not fit, values that are not finite.
    """
    check_form(form)
    k, y = real(kernel, "kernel"), real(targets, "targets")
    n, n_classes = y.shape
    if k.shape not in ((n, n), (n, n_classes, n, n_classes)):
        raise InputError(f"A kernel of shape {k.shape} does not go with targets of shape {y.shape}.")
    if not (np.isfinite(k).all() and np.isfinite(y).all()):
        raise InputError("The kernel or the targets hold NaN or infinite values.")
    if form == "cka":
        y = y - y.mean(0)
        k = k - k.mean(0, keepdims=True)
        k = k - k.mean(k.ndim // 2, keepdims=True)
    if k.ndim == 4:
        k, y = k.reshape(n * n_classes, -1), y.reshape(-1, 1)
    return normal_form(
        form,
        raw=float(np.vdot(y, k @ y)),
        traces=(float(np.trace(k)), float(np.vdot(y, y))),
        squared_norms=(float(np.vdot(k, k)), float(np.sum((y.T @ y) ** 2))),
        sums=(float(k.sum()), float(np.sum(y.sum(0) ** 2))),
        n=len(y),
    )


def normal_form(
    form: str,
    *,
    raw: float,
    traces: tuple[float, float],
    squared_norms: tuple[float, float],
    sums: tuple[float, float],
    n: int,
) -> float:
    """The form from <K, T> and, for K and T each, trace, squared Frobenius norm and sum of all entries."""
    if form == "raw":
        return raw
    if form == "trace":
        return _ratio(raw, traces[0] * traces[1])
    if form == "pearson":
        raw -= sums[0] * sums[1] / n**2  # <K - mu_K, T - mu_T> = <K, T> - n² mu_K mu_T
        squared_norms = (squared_norms[0] - sums[0] ** 2 / n**2, squared_norms[1] - sums[1] ** 2 / n**2)
    return _ratio(raw, float(np.sqrt(max(squared_norms[0], 0) * max(squared_norms[1], 0))))


def check_form(form: str) -> None:
    """Raise InputError unless the form is one of FORMS."""
    if form not in FORMS:
        raise InputError(f"Unknown form '{form}'; known are {', '.join(FORMS)}.")


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0 else 0.0
