"""The head of the new task: it decides what the backbone's part of the kernel sees (design notes, section 2.5).

With logits f = phi W + b, the kernel is Theta = (phi phiᵀ + 1) ⊗ I_C + Wᵀ Theta_phi W, where Theta_phi is the
NTK of the features. So W = 0 leaves features only, and a random W probes the whole backbone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import jax
import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.functions import check_inputs
from lin_ft.typing import Features, Params

__all__ = ["init_head", "ridge_head"]

Use = Literal["ranking", "fine-tuning"]


@dataclass(frozen=True)
class Head:
    """One kind of head: `make(features, targets, ...)` gives its weights; `uses` says what may start from it."""

    make: Callable[..., Params]
    uses: tuple[Use, ...]


RIDGES = tuple(10.0**power for power in range(-6, 5))
"""Grid of ridge penalties, in units of the mean eigenvalue of the centred phi phiᵀ / n."""


def init_head(
    kind: str,
    features: Features,
    targets: Float[np.ndarray | jax.Array, "n C"],
    key: Any = None,
    *,
    variance: float | None = None,
    ridges: tuple[float, ...] = RIDGES,
    pretrained: Params | None = None,
) -> Params:
    """A head {"kernel": (d, C), "bias": (C,)} for features and targets, in the dtype of the features.

    It is one of

    - `zero`: W = 0. The kernel is exactly (phi phiᵀ + 1) ⊗ I: Label-Gradient becomes Label-Feature
      Correlation.
    - `random`: W ~ N(0, s²), s² = `variance` (default 1/d), b = 0. In expectation the backbone adds
      s² (trace over the d features of their NTK) ⊗ I_C. Needs `key`.
    - `ridge`: the linear probe argmin ||phi W + b - Y||² + ridge ||W||², penalty by closed-form leave-one-out
      over `ridges`. The score then measures what fine-tuning adds beyond the probe. **This head has seen all
      training labels, so leave-one-out of the kernel on top of it is optimistic**: judge that only on data
      the head has not seen.
    - `pretrained`: the source task's head, given as `pretrained`; its classes are not those of the targets.

    Only `ridge` looks at the values of features and targets. Cost: O(n d min(n, d)) for `ridge`, nothing
    otherwise.

    Args:
        kind: `zero`, `random`, `ridge` or `pretrained`.
        features: phi of the images.
        targets: Y, whose columns say how many classes there are.
        key: of a random head.
        variance: s² of a random head; None: 1/d.
        ridges: penalties to choose from, in units of ||phi_centred||² / n.
        pretrained: the head that is taken as it is.

    Examples:
        >>> import jax
        >>> import numpy as np
        >>> from lin_ft import init_head
        >>> features, targets = np.ones((6, 4), np.float32), np.eye(3)[np.arange(6) % 3]
        >>> {name: leaf.shape for name, leaf in init_head("random", features, targets, jax.random.key(0)).items()}
        {'bias': (3,), 'kernel': (4, 3)}

    Raises:
        InputError: an unknown kind, a missing key or head, shapes that do not fit, values that are not
            finite.
    """
    if kind not in HEADS:
        raise InputError(f"Unknown head '{kind}'; known are {', '.join(HEADS)}.")
    check_inputs({}, features, targets)
    head = HEADS[kind].make(
        np.asarray(features),
        np.asarray(targets),
        key=key,
        variance=variance,
        ridges=ridges,
        pretrained=pretrained,
    )
    return jax.tree.map(lambda leaf: np.asarray(leaf, dtype=features.dtype), head)


def _zero(features: np.ndarray, targets: np.ndarray, **_: Any) -> Params:
    return {"kernel": np.zeros((features.shape[1], targets.shape[1])), "bias": np.zeros(targets.shape[1])}


def _random(features: np.ndarray, targets: np.ndarray, *, key: Any, variance: float | None, **_: Any) -> Params:
    if key is None:
        raise InputError("A random head needs a key, e.g. jax.random.key(0).")
    d, n_classes = features.shape[1], targets.shape[1]
    deviation = np.sqrt(1 / d if variance is None else variance)
    return {
        "kernel": deviation * np.asarray(jax.random.normal(key, (d, n_classes))),
        "bias": np.zeros(n_classes),
    }


def _ridge(features: np.ndarray, targets: np.ndarray, *, ridges: tuple[float, ...], **_: Any) -> Params:
    return ridge_head(features, targets, ridges)[0]


def _pretrained(features: np.ndarray, targets: np.ndarray, *, pretrained: Params | None, **_: Any) -> Params:
    if pretrained is None:
        raise InputError("The head 'pretrained' needs the source head, e.g. pretrained=params['head'].")
    if pretrained["kernel"].shape[0] != features.shape[1]:
        width = pretrained["kernel"].shape[0]
        raise InputError(f"The source head takes {width} features, the network gives {features.shape[1]}.")
    return dict(pretrained)


HEADS: dict[str, Head] = {
    "zero": Head(_zero, ("ranking", "fine-tuning")),
    "random": Head(_random, ("ranking", "fine-tuning")),
    "ridge": Head(_ridge, ("fine-tuning",)),
    "pretrained": Head(_pretrained, ()),
}
"""No ranking takes the ridge head: it has seen the labels that leave-one-out leaves out. The pre-trained one has other
classes than the target."""


def heads_for(use: Use) -> tuple[str, ...]:
    """Names of the heads that a ranking, or a fine-tuning, may start from."""
    return tuple(name for name, head in HEADS.items() if use in head.uses)


def ridge_head(
    features: Float[np.ndarray, "n d"], targets: Float[np.ndarray, "n C"], ridges: tuple[float, ...] = RIDGES
) -> tuple[Params, float, Float[np.ndarray, " m"]]:
    """(head, chosen ridge, mean squared leave-one-out residual for each of `ridges`), in float64.

    With the singular value decomposition of the centred phi, the hat matrix is H = 11ᵀ/n + U s²/(s² + ridge)
    Uᵀ, and the leave-one-out residual (Y - HY)_i / (1 - H_ii) is exact, the unpenalised bias refitted too.
    One decomposition serves the whole grid; each returned ridge is absolute, `ridges` times ||phi_centred||²
    / n.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.heads import ridge_head
        >>> features = np.random.default_rng(0).normal(size=(20, 3))
        >>> head, ridge, losses = ridge_head(features, features[:, :1] - 2 * features[:, 1:2], ridges=(1e-6, 1.0))
        >>> head["kernel"][:, 0].round(3) + 0.0  # y = x0 - 2 x1
        array([ 1., -2.,  0.])
    """
    phi, y = np.asarray(features, np.float64), np.asarray(targets, np.float64)
    n = len(phi)
    mean, y_mean = phi.mean(0), y.mean(0)
    u, s, vt = np.linalg.svd(phi - mean, full_matrices=False)
    uty = u.T @ (y - y_mean)
    unit = max(float(np.mean(s**2)), np.finfo(np.float64).tiny) / 1.0
    losses = []
    for ridge in ridges:
        shrink = s**2 / (s**2 + ridge * unit)
        residual = y - y_mean - u @ (shrink[:, None] * uty)
        leverage = 1 / n + (u**2 @ shrink)
        losses.append(np.mean((residual / np.maximum(1 - leverage, 1e-12)[:, None]) ** 2))
    best = ridges[int(np.argmin(losses))] * unit
    kernel = vt.T @ ((s / (s**2 + best))[:, None] * uty)
    return {"kernel": kernel, "bias": y_mean - mean @ kernel}, best, np.asarray(losses)
