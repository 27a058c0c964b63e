"""Optimizers without their learning rate: directions, so that one compiled step serves every rate and decay."""

from collections.abc import Callable
from typing import Any

import jax
import optax


def sgd(momentum: float, weight_decay: Any) -> optax.GradientTransformation:
    """u = Nesterov momentum of (g + decay w): L2 regularisation, as in the paper's protocol. w <- w - rate u."""
    return optax.chain(_decay(weight_decay), optax.trace(momentum, nesterov=True))


def adamw(momentum: float, weight_decay: Any) -> optax.GradientTransformation:
    """u = Adam(g) + decay w, decoupled (Loshchilov & Hutter 2019, arXiv 1711.05101). w <- w - rate u."""
    return optax.chain(optax.scale_by_adam(b1=momentum), _decay(weight_decay))


OPTIMIZERS: dict[str, Callable[[float, Any], optax.GradientTransformation]] = {"sgd": sgd, "adamw": adamw}
"""Name -> function of the momentum and of the weight decay, which may be traced; its state never depends on either."""


def _decay(weight_decay: Any) -> optax.GradientTransformation:
    """decay w for kernels; vectors (norms, biases) are exempt."""
    return optax.add_decayed_weights(weight_decay, mask=lambda params: jax.tree.map(lambda p: p.ndim > 1, params))
