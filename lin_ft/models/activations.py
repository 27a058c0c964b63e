"""Activation functions by the names that timm's and transformers' configurations give them."""

from collections.abc import Callable

import jax
from jaxtyping import Array, Float

from lin_ft.errors import InputError


def gelu(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """x Phi(x), Phi the distribution function of the standard normal."""
    return jax.nn.gelu(x, approximate=False)


def gelu_tanh(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x³)))."""
    return jax.nn.gelu(x, approximate=True)


def quick_gelu(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """x sigmoid(1.702 x)."""
    return x * jax.nn.sigmoid(1.702 * x)


ACTIVATIONS: dict[str, Callable[[Float[Array, "..."]], Float[Array, "..."]]] = {
    "gelu": gelu,
    "gelu_tanh": gelu_tanh,
    "quick_gelu": quick_gelu,
    "relu": jax.nn.relu,
    "relu6": jax.nn.relu6,
    "silu": jax.nn.silu,
    "hard_swish": jax.nn.hard_swish,
    "mish": jax.nn.mish,
    "leaky_relu": jax.nn.leaky_relu,
    "elu": jax.nn.elu,
    "selu": jax.nn.selu,
    "sigmoid": jax.nn.sigmoid,
    "tanh": jax.nn.tanh,
}

OTHER_NAMES = {
    "gelu_python": "gelu", "gelu_new": "gelu_tanh", "gelu_fast": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_python_tanh": "gelu_tanh", "quickgelu": "quick_gelu", "swish": "silu", "hardswish": "hard_swish",
}  # fmt: skip


def activation_named(name: str) -> str:
    """The name in ACTIVATIONS. Raises InputError for one that is not known."""
    known = OTHER_NAMES.get(name.lower(), name.lower())
    if known not in ACTIVATIONS:
        raise InputError(f"activation {name!r}: unknown; one of {', '.join([*ACTIVATIONS, *OTHER_NAMES])}.")
    return known
