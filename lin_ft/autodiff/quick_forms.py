"""The uses of weights in the forms that a CPU computes fast, to be differentiated in the data alone."""

from collections.abc import Sequence
from typing import Any

import jax

from lin_ft.autodiff.depthwise import for_images, geometry
from lin_ft.autodiff.narrow_convolution import convolution, is_narrow
from lin_ft.autodiff.weight_uses import bind


def evaluated(equation: Any, values: Sequence[Any]) -> list[Any]:
    """The outputs of an equation at which a weight meets data; the weight's cotangent may be zero."""
    if is_narrow(equation):
        return [convolution(*values, tuple(map(tuple, equation.params["padding"])))]
    how = geometry(equation)
    if how is not None and jax.default_backend() == "cpu":
        return [for_images(*values, how)]
    return bind(equation, values)
