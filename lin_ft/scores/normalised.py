"""Label-Gradient in [0, 1] without the kernel: raw / (||Theta||_F ||r0||²), the norm by matrix-free estimates."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.functions import logits_of
from lin_ft.kernels.estimates import squared_norm_estimate, trace_estimate
from lin_ft.kernels.vector_products import NTKProducts
from lin_ft.scores.label_gradient import label_gradient
from lin_ft.sharding import DeviceChoice
from lin_ft.trainable import Trainable
from lin_ft.typing import Apply, Array, Params

_ESTIMATES = {"trace": (trace_estimate, 1.0), "cosine": (squared_norm_estimate, 0.5)}


@dataclass(frozen=True)
class NormalisedScore:
    """A score and the standard error that the random probes of its norm leave (delta method)."""

    value: float
    standard_error: float


def normalised_label_gradient(
    apply: Apply,
    params: Params,
    x: Array,
    targets: Float[Array, "n C"],
    *,
    form: str = "cosine",
    residual: bool = True,
    trainable: Trainable = "all",
    probes: int = 16,
    key: Any = None,
    batch_size: int = 128,
    devices: DeviceChoice = None,
) -> NormalisedScore:
    """`cosine`: r0ᵀ Theta r0 / (||Theta||_F ||r0||²); `trace`: r0ᵀ Theta r0 / (tr(Theta) ||r0||²).

    The exact value is `alignment(theta, r0, form=form)` of the full kernel; the estimate of the norm is
    unbiased, its ratio only up to O(1 / probes), and may exceed 1 by its error. Cost: one pass for r0ᵀ Theta
    r0, and for each probe one reverse pass (`trace`) or one reverse and one tangent pass (`cosine`); linear
    in n, memory of one batch.

    Args:
        apply: (params, x) -> logits.
        params: w0.
        x: images.
        targets: Y, (n, C).
        form: `cosine` or `trace`.
        residual: Y - f0 in place of Y.
        trainable: which weights train.
        probes: random vectors for the norm.
        key: of the vectors.
        batch_size: images at a time.
        devices: those that share the work; None: all.

    Examples:
        >>> import jax.numpy as jnp, numpy as np
        >>> from lin_ft.scores import normalised_label_gradient
        >>> def apply(params, x):
        ...     return jnp.tanh(x @ params["w"]) @ params["v"]
        >>> params = {"w": jnp.ones((5, 4)), "v": jnp.eye(4, 2)}
        >>> x, y = jnp.arange(15.0).reshape(3, 5) / 10, np.eye(2)[[0, 1, 0]]
        >>> score = normalised_label_gradient(apply, params, x, y, probes=64)
        >>> 0 < score.value < 1, score.standard_error < 0.2
        (True, True)

    Raises:
        InputError: an unknown form, fewer than 2 probes, and as `label_gradient`.
    """
    if form not in _ESTIMATES:
        raise InputError(f"Unknown form '{form}'; known are {', '.join(_ESTIMATES)}.")
    common: dict[str, Any] = {"trainable": trainable, "batch_size": batch_size, "devices": devices}
    raw = label_gradient(apply, params, x, targets, residual=residual, **common)
    r0 = np.asarray(targets, np.float64)
    if residual:
        r0 = r0 - logits_of(apply, params, x, batch_size=batch_size)
    estimator, power = _ESTIMATES[form]
    norm = estimator(NTKProducts(apply, params, x, **common), r0.shape[1], probes=probes, key=key)
    denominator = norm.value**power * float(np.sum(r0**2))
    value = raw / denominator if denominator > 0 else 0.0
    relative = power * norm.standard_error / norm.value if norm.value > 0 else 0.0
    return NormalisedScore(value, value * relative)
