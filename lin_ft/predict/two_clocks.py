"""The two parts of the kernel and their clocks: what the head learns, and what the backbone does behind it.

Under a head of zero the kernel is phi phiᵀ + 1 alone (the head's part). As the head W grows, features move too: with
the NTK of the features close to B ⊗ I_d (B their mean over features, what `probe_gram` estimates with s² = 1 / d),

    W' = (phi + D)ᵀ R,   b' = 1ᵀ R,   D(x)' = B(x, X) R Wᵀ,   f = (phi + D) W + b,   R = (Y - softmax(f)) / n:

the kernel moves from the head's part to phi phiᵀ + 1 + B ⊗ WᵀW. The head's clock is absolute, t = sum of steps x rate /
(1 - momentum); how fast the backbone follows depends on its own scale, which differs a thousandfold between
architectures, so its decrease is also told in its own time, that of its mean eigenvalue.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from lin_ft.errors import InputError
from lin_ft.predict.primal import PrimalSpectrum
from lin_ft.predict.spectrum import Spectrum, decompose
from lin_ft.typing import Array

HEAD_TIME = 30.0
"""Between what 150 steps at the rates .01 and .03 with momentum .9 come to, 15 and 45."""
BACKBONE_TIME = 0.3
"""In units of 1 / (mean eigenvalue of the backbone's part)."""


def budget_time(steps: int, learning_rate: float, momentum: float = 0.0) -> float:
    """t = steps x rate / (1 - momentum): the time of gradient flow that SGD with momentum comes to.

    In units of 1 / kernel for the mean, not the sum, of the losses. (Rates that decay: give their mean.)

    Examples:
        >>> from lin_ft.predict import budget_time
        >>> round(budget_time(150, 0.01, momentum=0.9), 6)
        15.0
    """
    if steps < 0 or not learning_rate > 0 or not 0 <= momentum < 1:
        raise InputError(
            f"budget: {steps} steps, learning rate {learning_rate}, momentum {momentum}; give steps >= 0, a rate above"
            " 0 and a momentum in 0 .. 1, 1 excluded."
        )
    return steps * learning_rate / (1 - momentum)


def head_decrease(features: Float[Array, "n d"], targets: Float[Array, "n C"], time: float = HEAD_TIME) -> float:
    """Share of the squared loss that the head alone removes: sum_k (1 - exp(-2 t l_k / n)) (v_k·Y)² / ||Y||².

    l_k, v_k are those of phi phiᵀ + 1, t is absolute (`budget_time`). In [0, 1]. Cost: O(n³).

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import head_decrease
        >>> features, targets = np.array([[1.0], [1.0], [-1.0]]), np.array([[1.0], [1.0], [-1.0]])
        >>> round(head_decrease(features, targets, time=1.0), 3)
        0.866
    """
    phi = np.asarray(features, np.float64)
    return loss_removed(decompose(phi @ phi.T + 1), targets, time, unit=float(len(phi)))


def backbone_decrease(kernel: Float[Array, "n n"], targets: Float[Array, "n C"], time: float = BACKBONE_TIME) -> float:
    """The same of the backbone's part of the kernel, `time` in units of 1 / (its mean eigenvalue). In [0, 1].

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import backbone_decrease
        >>> y = np.array([[1.0], [1.0], [-1.0]])
        >>> round(backbone_decrease(y @ y.T, y, time=0.1), 3), round(backbone_decrease(np.eye(3), y, time=0.1), 3)
        (0.451, 0.181)
    """
    return loss_removed(decompose(kernel), targets, time)


def backbone_part(kernel: Float[Array, "n n"], features: Float[Array, "n d"]) -> Float[np.ndarray, "n n"]:
    """B: what is left of `probe_gram` without the head's part, phi phiᵀ + 1.

    Eigenvalues that the difference of two float32 kernels makes negative are set to 0. Cost: O(n³).

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import backbone_part
        >>> features = np.array([[1.0], [2.0]])
        >>> backbone_part(features @ features.T + 1 + np.diag([3.0, 4.0]), features).round(6)
        array([[3., 0.],
               [0., 4.]])
    """
    phi = np.asarray(features, np.float64)
    rest = np.asarray(kernel, np.float64) - phi @ phi.T - 1
    values, vectors = np.linalg.eigh((rest + rest.T) / 2)
    return (vectors * np.maximum(values, 0)) @ vectors.T


def loss_removed(
    spectrum: Spectrum | PrimalSpectrum, targets: Float[Array, "n C"], time: float, *, unit: float | None = None
) -> float:
    """sum_k (1 - exp(-2 t l_k / unit)) (v_k·Y)² / ||Y||², `unit` by default the mean eigenvalue."""
    if not time >= 0:
        raise InputError(f"time {time}: give a number >= 0.")
    energy = spectrum.label_energy(targets)
    total = float(np.sum(np.asarray(targets, np.float64) ** 2))
    decayed = -np.expm1(-2 * time * spectrum.eigenvalues / (unit or spectrum.scale))
    return float(decayed @ energy) / total if total > 0 else 0.0


def train_both_parts(
    features: Float[Array, "n d"],
    backbone: Float[Array, "n n"] | None,
    labels: Int[Array, " n"],
    rates: Sequence[float] | Float[np.ndarray, " steps"],
    *,
    momentum: float = 0.0,
    folds: Int[Array, " n"] | None = None,
) -> Float[np.ndarray, "n C"]:
    """Logits of all n images after full-batch steps at these learning rates, with Nesterov momentum as optax has it.

    `backbone` is B; None trains the head alone. With `folds` each image's logits are those of the network trained
    without its fold (all folds at once); else those of training on all. Exact for a network that is linear in its
    input between two layers, f = (x V) W + b; small rates approach the flow above.
    Cost: 2 n² d + 4 n d C FLOPs a step and fold.

    Args:
        features: phi of the images.
        backbone: B, from `backbone_part`.
        labels: classes of the images.
        rates: learning rate of every step, for the mean of the losses.
        momentum: Nesterov's, in [0, 1).
        folds: number of the fold of each image; None: train on all.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.predict import train_both_parts
        >>> features, labels = np.array([[1.0], [2.0], [-1.0], [-2.0]]), np.array([0, 0, 1, 1])
        >>> logits = train_both_parts(features, features @ features.T, labels, [0.1] * 20)
        >>> logits.argmax(1)
        array([0, 0, 1, 1])

    Raises:
        InputError: rates that are not finite or make training diverge.
    """
    phi, y = np.asarray(features, np.float64), np.asarray(labels)
    n = len(phi)
    steps = np.asarray(rates, np.float64)
    if not np.isfinite(steps).all() or not 0 <= momentum < 1:
        raise InputError("both parts: give finite rates and a momentum in 0 .. 1, 1 excluded.")
    held = np.zeros((1, n), bool) if folds is None else np.asarray(folds) == np.unique(np.asarray(folds))[:, None]
    part = None if backbone is None else np.asarray(backbone, np.float64)
    if phi.shape[1] > n:  # all that moves lies in the span of the features
        phi = np.linalg.qr(phi.T)[1].T
    targets, kept = np.eye(int(y.max()) + 1)[y], ~held[:, :, None]
    share = kept / kept.sum(1, keepdims=True)
    head = np.zeros((len(held), phi.shape[1], targets.shape[1]))
    bias, dual = np.zeros((len(held), 1, targets.shape[1])), np.zeros((len(held), *phi.shape))
    moved = [np.zeros_like(each) for each in (head, bias, dual)]

    def seen() -> np.ndarray:
        return phi[None] if part is None else phi + part @ dual

    with np.errstate(over="ignore", invalid="ignore"):  # divergence is told below
        for rate in steps:
            now = seen()
            residual = (targets - _softmax(now @ head + bias)) * share
            uphill = (
                now.transpose(0, 2, 1) @ residual,
                residual.sum(1, keepdims=True),
                residual @ head.transpose(0, 2, 1),
            )
            for place, (value, gradient) in enumerate(zip((head, bias, dual), uphill, strict=True)):
                moved[place] = momentum * moved[place] + gradient
                value += rate * (gradient + momentum * moved[place])
        logits = seen() @ head + bias
    if not np.isfinite(logits).all():
        raise InputError(f"both parts: training diverges at a learning rate of {steps.max():.3g}; give lower ones.")
    return logits[0] if folds is None else logits[held.argmax(0), np.arange(n)]


def _softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits - logits.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)
