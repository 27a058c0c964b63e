"""The one entry to all kernels: `gram(apply, params, x1, x2, output=..., method=...)`."""

from typing import Any

import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.functions import as_function, check_independent, n_outputs
from lin_ft.kernels.blocks import BLOCK_SIZE, MEMORY_LIMIT, blocked_gram, head_gram
from lin_ft.kernels.neural_tangents import neural_tangents_gram
from lin_ft.kernels.precision import cast, in_format
from lin_ft.kernels.pseudo import probe_gram
from lin_ft.kernels.sketch import SKETCH_OPTIONS, sketch_gram
from lin_ft.sharding import DeviceChoice
from lin_ft.trainable import Trainable
from lin_ft.typing import Apply, Array, Params

OUTPUTS = ("trace", "full", "pseudo")


def gram(
    apply: Apply,
    params: Params,
    x1: Array,
    x2: Array | None = None,
    *,
    output: str = "trace",
    method: str = "auto",
    trainable: Trainable = "all",
    block_size: int = BLOCK_SIZE,
    memory_limit: int = MEMORY_LIMIT,
    devices: DeviceChoice = None,
    dtype: str | None = None,
    **probes: Any,
) -> Float[np.ndarray, "n1 n2"] | Float[np.ndarray, "n1 C n2 C"]:
    """Empirical NTK Theta = J Jᵀ of x1 against x2 (None: x1 itself, at half the work).

    `output`:

    - `trace`: K[i, j] = (1/C) sum_c Theta[i, c, j, c], (n1, n2): the mean over outputs (as in neural-tangents), so that
      Theta is approximated by K ⊗ I_C with the same trace.
    - `full`: Theta[i, c, j, e] = <df_c(x_i)/dw, df_e(x_j)/dw>, (n1, C, n2, C).
    - `pseudo`: from random combinations of features or logits; takes the options of `probe_gram`.

    `method`: `structured` (per layer, the default: each layer takes the cheaper contraction), `jacobian` (plain
    per-example gradients), `vector_products` (one tangent and one reverse pass for each column),
    `sketch` (an unbiased estimate from projected rows; takes `dimension`, `kind` and `key`, see `sketch_gram`),
    `neural_tangents` (that library, extra `[neural-tangents]`), or `auto`, see `lin_ft.kernels.cost`.

    `dtype`: `float32`, `float64` or `bfloat16` for weights, samples and passes; None: as they come. Sums of bfloat16
    products are float32, and so is the kernel. Measured errors: `lin_ft.kernels.precision`.

    `memory_limit` (bytes, for each device) bounds gradient rows, the contraction and the activations of a reverse pass;
    `block_size` the rows of one block. Neither changes the result beyond rounding.
    Cost: n C reverse passes and, in parameter space, n1 n2 C P multiply-adds (C times more for `full`).

    Args:
        apply: (params, x) -> outputs; from `lin_ft.from_linen`, `from_nnx`, or any function.
        params: the weights w0 at which it is linearized.
        x1: samples, (n1, ...), or a tree of arrays.
        x2: samples of the other side; None: x1.
        output: `trace`, `full` or `pseudo`.
        method: how it is computed, see above.
        trainable: which weights train: "all", "head", "norm", "last_block" or a predicate on paths.
        block_size: samples whose gradients are formed together.
        memory_limit: bytes, for each device.
        devices: those that share the work; None: all.
        dtype: of the passes; None: as it comes.
        **probes: options of `probe_gram` or `sketch_gram`.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lin_ft.kernels import gram
        >>> def apply(params, x):  # or apply, params = lin_ft.from_linen(module, variables)
        ...     return jnp.tanh(x @ params["w"]) @ params["v"]
        >>> params = {"w": jnp.ones((5, 4)), "v": jnp.eye(4, 3)}
        >>> x, z = jnp.arange(10.0).reshape(2, 5) / 10, jnp.ones((1, 5))
        >>> gram(apply, params, x).shape
        (2, 2)
        >>> gram(apply, params, x, z, output="full", trainable=lambda path: path == "v").shape
        (2, 3, 1, 3)

    Raises:
        InputError: unknown output, method, format or trainable name, shapes or values that do not fit, a limit too
            small, a function that draws random numbers or whose outputs depend on the other samples of a batch.
    """
    if output not in OUTPUTS:
        raise InputError(f"Unknown output '{output}'; known are {', '.join(OUTPUTS)}.")
    function = as_function(apply)
    if dtype is not None:
        options = {"block_size": block_size, "memory_limit": memory_limit, "devices": devices, **probes}
        with in_format(dtype):
            function, params, x1, x2 = cast(function, params, x1, x2, name=dtype)
            return gram(function, params, x1, x2, output=output, method=method, trainable=trainable, **options)
    check_independent(function, params, x1)
    if method == "neural_tangents":
        if output == "pseudo":
            raise InputError("neural-tangents has no pseudo kernel; choose output trace or full, or another method.")
        return neural_tangents_gram(apply, params, x1, x2, output=output, trainable=trainable, **probes)
    options: dict[str, Any] = {"trainable": trainable, "devices": devices}
    if output == "pseudo":
        limits = {"block_size": block_size, "memory_limit": memory_limit}
        return probe_gram(apply, params, x1, x2, method=method, **options, **limits, **probes)
    n_classes = n_outputs(function, params, x1)
    rows = {
        "combinations": np.eye(n_classes),
        "of": "logits",
        "output": "full" if output == "full" else "sum",
        "block_size": block_size,
        "memory_limit": memory_limit,
    }
    if method == "sketch":
        kernel = sketch_gram(function, params, x1, x2, trainable=trainable, **rows, **_known(probes, SKETCH_OPTIONS))
    else:
        _known(probes, ())
        kernel = blocked_gram(function, params, x1, x2, method=method, **rows, **options)
    kernel = kernel if output == "full" else kernel / n_classes
    head = head_gram(function, params, x1, x2, trainable=trainable)
    if head is None:
        return kernel
    if output == "trace":
        return kernel + head
    return kernel + np.einsum("ij,ce->icje", head, np.eye(n_classes, dtype=head.dtype))


def _known(options: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    unknown = [name for name in options if name not in names]
    if unknown:
        takes = f"; known are {', '.join(names)}" if names else ""
        raise InputError(f"This output and method take no option {', '.join(unknown)}{takes}.")
    return options
