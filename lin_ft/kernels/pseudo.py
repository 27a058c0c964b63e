"""Pseudo-NTK: the NTK of all outputs from gradients of a few combinations of them, one a sample and combination."""

from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.functions import as_function, n_outputs
from lin_ft.kernels.blocks import BLOCK_SIZE, MEMORY_LIMIT, blocked_gram, head_gram
from lin_ft.sharding import DeviceChoice
from lin_ft.trainable import Trainable
from lin_ft.typing import Apply, Array, Features, Params


def probe_gram(
    apply: Apply,
    params: Params,
    x1: Array,
    x2: Array | None = None,
    *,
    of: str = "features",
    probes: int = 1,
    key: Any = None,
    variance: float | None = None,
    method: str = "auto",
    trainable: Trainable = "all",
    block_size: int = BLOCK_SIZE,
    memory_limit: int = MEMORY_LIMIT,
    devices: DeviceChoice = None,
    features: Features | None = None,
) -> Float[np.ndarray, "n1 n2"]:
    """K, (n1, n2), such that Theta is approximated by K ⊗ I_C.

    With G_k(x) the gradient in the backbone's weights of

    - `features`: one random head column, w_k · phi(x), w_k with independent ±1 entries:
      K = (phi phiᵀ + 1) + s² mean_k G_k G_kᵀ, s² = `variance` (default 1/d). Its expectation is the expected
      trace kernel over heads W ~ N(0, s²), since E w wᵀ = I makes G_k G_kᵀ an unbiased estimate of the trace,
      over the d features, of their NTK. It does not depend on the head in `params` or on C.
    - `logits`: w_k · f(x) / sqrt(C): unbiased for the trace kernel of the head in `params`.
    - `sum_logits`: the one gradient of sum_c f_c(x) / sqrt(C) (Mohamadi et al. 2023, arXiv 2206.12543). No
      random numbers, but biased: it adds the kernel's mean off-diagonal block, and a head trained with
      softmax nearly cancels in the sum.

    (phi phiᵀ + 1) is the head's own block where the head is trainable. x2=None: x1 against itself.
    The relative variance of a probe falls as
    1 / (probes x effective number of features). The same `key` gives the same probes for x1 and x2.
    Cost: `probes` reverse passes a sample, n1 n2 probes P multiply-adds, memory as in `gram`.

    Measured on the embedded zoo against the exact trace kernel (relative Frobenius error after the best factor, median
    and worst of 8 models, and rank correlation of the entries off the diagonal; `experiments/benchmarks/precision.py`):
    one probe of features .10, .17 (.85), 4 probes .065, .09 (.93), 16 probes .04, .07 (.98), one probe of logits .06,
    .27 (.92), sum of logits .09, .15 (.93).

    Args:
        apply: (params, x) -> outputs; from `lin_ft.from_linen`, `from_nnx`, or any function.
        params: the weights w0 at which it is linearized.
        x1: samples, (n1, ...), or a tree of arrays.
        x2: samples of the other side; None: x1.
        of: what is combined: `features`, `logits` or `sum_logits`.
        probes: number of random combinations.
        key: of the combinations; None: `jax.random.key(0)`.
        variance: s² of the random heads; None: 1/d.
        method: as in `gram`.
        trainable: which weights train: "all", "head", "norm", "last_block" or a predicate on paths.
        block_size: samples whose gradients are formed together.
        memory_limit: bytes, for each device.
        devices: those that share the work; None: all.
        features: phi of x1 if at hand, which saves a forward pass.

    Examples:
        >>> import jax.numpy as jnp
        >>> from lin_ft.kernels import probe_gram
        >>> x = jnp.arange(10.0).reshape(2, 5)
        >>> probe_gram(lambda params, x: x @ params["w"], {"w": jnp.ones((5, 3))}, x, of="sum_logits").round(3)
        array([[ 30.,  80.],
               [ 80., 255.]], dtype=float32)

    Raises:
        InputError: unknown `of`, features asked of a function without a head, and as `gram`.
    """
    function = as_function(apply)
    if of not in ("features", "logits", "sum_logits"):
        raise InputError(f"Unknown kind of probe '{of}'; known are features, logits, sum_logits.")
    if probes < 1:
        raise InputError(f"At least one probe is needed, not {probes}.")
    if of == "features" and not function.has_head:
        raise InputError("Probes of features need a module with a `features` method and a `head`; use of='logits'.")
    width = params["head"]["kernel"].shape[0] if of == "features" else n_outputs(function, params, x1)
    if of == "sum_logits":
        combinations = np.ones((1, width))
    else:
        key = jax.random.key(0) if key is None else key
        combinations = np.asarray(jax.random.rademacher(key, (probes, width), "float32"))
    scale = variance if variance is not None and of == "features" else 1 / width
    kernel = blocked_gram(
        function,
        params,
        x1,
        x2,
        combinations=combinations * np.sqrt(scale / len(combinations)),
        of="features" if of == "features" else "logits",
        output="sum",
        method=method,
        trainable=trainable,
        block_size=block_size,
        memory_limit=memory_limit,
        devices=devices,
    )
    head = head_gram(function, params, x1, x2, trainable=trainable, features=features)
    return kernel if head is None else kernel + head
