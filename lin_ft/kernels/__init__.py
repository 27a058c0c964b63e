"""Empirical neural tangent kernels: one protocol, one file per algorithm."""

from typing import Any

from lin_ft.errors import InputError
from lin_ft.kernels.jacobian import jacobian_gram, per_example_gradients, whole_jacobian_gram
from lin_ft.kernels.pseudo import probe_gram
from lin_ft.kernels.sketch import project
from lin_ft.kernels.vector_products import Estimate, NTKProducts, squared_norm_estimate, trace_estimate
from lin_ft.typing import Apply, Array, Params

__all__ = [
    "Estimate",
    "NTKProducts",
    "gram",
    "jacobian_gram",
    "per_example_gradients",
    "probe_gram",
    "project",
    "squared_norm_estimate",
    "trace_estimate",
    "whole_jacobian_gram",
]

_METHODS = {"trace": "jacobian", "full": "jacobian", "pseudo": "probes"}


def gram(
    apply: Apply,
    params: Params,
    x1: Array,
    x2: Array | None = None,
    *,
    output: str = "trace",
    method: str = "auto",
    **options: Any,
) -> Any:
    """Empirical NTK of x1 against x2 (None: x1 itself).

    `trace`: (n1, n2), mean over outputs; `full`: (n1, C, n2, C); `pseudo`: (n1, n2), from random head probes.
    `options` go to the algorithm: `jacobian_gram` or `probe_gram`.

    Raises:
        InputError: unknown output or method, and as the algorithm.
    """
    if output not in _METHODS:
        raise InputError(f"Unknown output '{output}'; known are {', '.join(_METHODS)}.")
    if method not in ("auto", _METHODS[output]):
        raise InputError(f"Output '{output}' has no method '{method}'; known are auto, {_METHODS[output]}.")
    if output == "pseudo":
        return probe_gram(apply, params, x1, x2, **options)
    return jacobian_gram(apply, params, x1, x2, output=output, **options)
