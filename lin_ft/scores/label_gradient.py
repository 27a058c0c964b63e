# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
"""Label-Gradient: r0ᵀ Theta r0, the initial speed of fine-tuning on the squared loss (paper, eqs. 3, 5, 7).

r0ᵀ Theta r0 = ||Jᵀ r0||²: one reverse pass over the data, no kernel, time linear in n and memory independent
of it.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from lin_ft import sharding
from lin_ft.errors import InputError
from lin_ft.functions import (
    ModelFunction,
    as_function,
    balanced_size,
    check_inputs,
    head_logits,
    n_outputs,
    padded,
)
from lin_ft.sharding import DeviceChoice
from lin_ft.trainable import Trainable, merge, split
from lin_ft.typing import Apply, Array, Params

KERNELS = ("full", "trace", "pseudo")


def label_gradient(
    apply: Apply,
    params: Params,
    x: Array,
    targets: Float[Array, "n C"],
    *,
    kernel: str = "full",
    residual: bool = True,
    trainable: Trainable = "all",
    batch_size: int = 128,
    devices: DeviceChoice = None,
    **options: Any,
) -> float:
    """Initial speed of fine-tuning: r0ᵀ Theta r0, or the same with a kernel of its own for every output.

    R0 = Y - f0 (`residual`), or Y as the paper uses it, summed against the kernel:

    - `full`: r0ᵀ Theta r0 = ||sum_i J_iᵀ r0_i||². Cost: **one** forward and reverse pass over the data.
    - `trace`: tr(R0ᵀ K R0), K the mean over outputs of their kernels: (outputs x classes) reverse passes.
    - `pseudo`: the same with K of random head probes, as `lin_ft.kernels.probe_gram` with the same `key`,
      `probes` and `variance` (all in `options`): (probes x classes) reverse passes.

    Units: squared logits per unit of eta t; the loss ½||r||² falls at this rate at t = 0. Sums of gradients
    are kept in the dtype of the weights (float32: about 1e-6 relative), their squares summed in float64.
    Memory: one batch's activations and the gradients summed (one set for `full`, up to C for the others).

    Args:
        apply: (params, x) -> logits.
        params: w0.
        x: images.
        targets: Y, (n, C).
        kernel: `full`, `trace` or `pseudo`.
        residual: Y - f0 in place of Y.
        trainable: which weights train.
        batch_size: images at a time.
        devices: those that share the work; None: all.
        **options: `probes`, `key` and `variance` of `pseudo`.

    Examples:
        >>> import jax.numpy as jnp, numpy as np
        >>> from lin_ft.kernels import gram
        >>> from lin_ft.scores import alignment, label_gradient
        >>> def apply(params, x):
        ...     return jnp.tanh(x @ params["w"]) @ params["v"]
        >>> params = {"w": jnp.ones((5, 4)), "v": jnp.eye(4, 2)}
        >>> x, y = jnp.arange(15.0).reshape(3, 5) / 10, np.eye(2)[[0, 1, 0]]
        >>> fast = label_gradient(apply, params, x, y, residual=False)  # one pass
        >>> bool(np.isclose(fast, alignment(gram(apply, params, x, output="full"), y, form="raw"), rtol=1e-4))
        True

    Raises:
        InputError: an unknown kernel, shapes that do not fit, values that are not finite.
    """
    return float(
        np.sum(
            class_label_gradient(
                apply,
                params,
                x,
                targets,
                kernel=kernel,
                residual=residual,
                trainable=trainable,
                batch_size=batch_size,
                devices=devices,
                **options,
            )
        )
        if kernel != "full"
        else _energies(
            as_function(apply),
            params,
            x,
            targets,
            np.eye(targets.shape[1])[None],
            None,
            "logits",
            residual,
            trainable,
            batch_size,
            devices,
        )[0]
    )


def class_label_gradient(
    apply: Apply,
    params: Params,
    x: Array,
    targets: Float[Array, "n C"],
    *,
    kernel: str = "full",
    residual: bool = True,
    trainable: Trainable = "all",
    batch_size: int = 128,
    devices: DeviceChoice = None,
    probes: int = 1,
    key: Any = None,
    variance: float | None = None,
) -> Float[np.ndarray, " C"]:
    """Label-Gradient of each class by itself, (C,).

    R0[:, c]ᵀ Theta_cc R0[:, c], or R0[:, c]ᵀ K R0[:, c]; see `label_gradient`.

    The sum over classes is the score for `trace` and `pseudo`; for `full` it leaves out what one class learns
    from another. Cost: C reverse passes for `full`, outputs x C for `trace`, probes x C for `pseudo`.

    Args:
        apply: (params, x) -> logits.
        params: w0.
        x: images.
        targets: Y, (n, C).
        kernel: `full`, `trace` or `pseudo`.
        residual: Y - f0 in place of Y.
        trainable: which weights train.
        batch_size: images at a time.
        devices: those that share the work; None: all.
        probes: random combinations of the outputs, of `pseudo`.
        key: of the combinations.
        variance: s² of the random heads.

    Examples:
        >>> import jax.numpy as jnp, numpy as np
        >>> from lin_ft.scores import class_label_gradient, label_gradient
        >>> def apply(params, x):
        ...     return jnp.tanh(x @ params["w"]) @ params["v"]
        >>> params = {"w": jnp.ones((5, 4)), "v": jnp.eye(4, 2)}
        >>> x, y = jnp.arange(15.0).reshape(3, 5) / 10, np.eye(2)[[0, 1, 0]]
        >>> each = class_label_gradient(apply, params, x, y, kernel="trace")
        >>> each.shape, bool(np.isclose(each.sum(), label_gradient(apply, params, x, y, kernel="trace"), rtol=1e-4))
        ((2,), True)
    """
    if kernel not in KERNELS:
        raise InputError(f"Unknown kernel '{kernel}'; known are {', '.join(KERNELS)}.")
    function = as_function(apply)
    n_classes = targets.shape[1]
    common = (residual, trainable, batch_size, devices)
    units = np.eye(n_classes)
    if kernel == "full":  # v_c = R0[:, c] e_cᵀ
        mixers = np.einsum("ci,ce->cie", units, units)
        return _energies(function, params, x, targets, mixers, None, "logits", *common)
    if kernel == "trace":
        energies = np.zeros(n_classes)
        for output in units:  # v_c = R0[:, c] outputᵀ
            mixers = np.einsum("ci,e->cie", units, output)
            energies += _energies(function, params, x, targets, mixers, None, "logits", *common)
        return energies / n_classes
    if not function.has_head:
        raise InputError("Probes of features need a module with a `features` method and a `head`.")
    width = params["head"]["kernel"].shape[0]
    key = jax.random.key(0) if key is None else key
    combinations = np.asarray(jax.random.rademacher(key, (probes, width), "float32"))
    scale = (1 / width if variance is None else variance) / probes
    mixers = units[:, :, None]  # v_c = R0[:, c]
    energies = np.zeros(n_classes)
    for index, combination in enumerate(combinations):
        part = _energies(
            function,
            params,
            x,
            targets,
            mixers,
            combination[:, None],
            "features",
            *common,
            add_head=index == 0,
            scale=scale,
        )
        energies += part
    return energies


def label_gradient_by_kernel(
    theta: Float[Array, "n C n C"] | Float[Array, "n n"], residual0: Float[Array, "n C"]
) -> float:
    """The slow, obvious twin: r0ᵀ Theta r0, or tr(R0ᵀ K R0) for an (n, n) kernel, from the kernel itself."""
    kernel, r0 = np.asarray(theta, np.float64), np.asarray(residual0, np.float64)
    if kernel.ndim == 4:
        return float(np.einsum("ic,icje,je->", r0, kernel, r0))
    return float(np.einsum("ic,ij,jc->", r0, kernel, r0))


def _energies(
    function: ModelFunction,
    params: Params,
    x: Array,
    targets: Array,
    mixers: Float[np.ndarray, "k C q"],
    combinations: Float[np.ndarray, "d q"] | None,
    of: str,
    residual: bool,
    trainable: Trainable,
    batch_size: int,
    devices: DeviceChoice,
    *,
    add_head: bool = False,
    scale: float = 1.0,
) -> Float[np.ndarray, " k"]:
    """scale * ||J_hᵀ (R0 M_k)||² for each mixer M_k, where h = logits or features, times `combinations`.

    With `add_head`, h = features: adds R0[:, k]ᵀ (phi phiᵀ + 1) R0[:, k], and the head is left out of J_h.
    """
    check_inputs(params, x, targets)
    if (width := n_outputs(function, params, x)) != targets.shape[1]:
        raise InputError(f"The targets have {targets.shape[1]} columns, but the network has {width} outputs.")
    chosen, frozen = split(params, trainable)
    dtype = np.result_type(*(leaf.dtype for leaf in jax.tree.leaves(params)))
    head = chosen["head"] if of == "features" else {}
    if of == "features":
        chosen, frozen = {**chosen, "head": None}, {**frozen, "head": params["head"]}
    used = sharding.local(devices)
    size = balanced_size(x.shape[0], batch_size * len(used))
    size += -size % len(used)
    shared = (
        function,
        chosen,
        frozen,
        jnp.asarray(mixers, dtype),
        None if combinations is None else jnp.asarray(combinations, dtype),
        jnp.asarray(residual, dtype),
    )

    def block(start: int) -> Any:
        stop = min(start + size, x.shape[0])
        real = np.arange(size) < stop - start
        y = padded(np.asarray(targets[start:stop], dtype), size)
        return np.asarray(padded(x[start:stop], size)), y, real.astype(dtype)

    start, add, finish = sharding.sum_examples(_PULLBACKS[of], used)
    total = start(_like(chosen, params, mixers, of, dtype))
    for first in sharding.my_share(range(0, x.shape[0], size)):
        total = add(total, shared, block(first))
    gradients, weights, bias = finish(total)
    energies = np.zeros(len(mixers))
    for leaf in jax.tree.leaves(gradients):
        energies += np.sum(np.asarray(leaf, np.float64).reshape(len(mixers), -1) ** 2, axis=1)
    energies *= scale
    if add_head and head["kernel"] is not None:
        energies += np.sum(np.asarray(weights, np.float64) ** 2, axis=0)
    if add_head and head.get("bias") is not None:
        energies += np.asarray(bias, np.float64) ** 2
    return energies


def _like(chosen: Params, params: Params, mixers: np.ndarray, of: str, dtype: np.dtype) -> Any:
    """Shapes of the sums: gradients, (k, ...) a leaf; phiᵀ R0 and 1ᵀ R0 where probes of features need them."""
    gradients = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((len(mixers), *leaf.shape), leaf.dtype), chosen)
    if of == "logits":
        return gradients, None, None
    width, n_classes = params["head"]["kernel"].shape[0], mixers.shape[1]
    return (
        gradients,
        jax.ShapeDtypeStruct((width, n_classes), dtype),
        jax.ShapeDtypeStruct((n_classes,), dtype),
    )


def _pullbacks(of: str, shared: Any, block: Any) -> Any:
    function, chosen, frozen, mixers, combinations, residual = shared
    x, y, real = block

    def h(w: Params) -> tuple[Any, tuple[Any, Any]]:
        weights = merge(w, frozen)
        if of == "logits":
            logits = function(weights, x)
            return logits, (logits, None)
        phi = function.features(weights, x)
        return jnp.matmul(phi, combinations), (head_logits(weights["head"], phi), phi)

    _, pull, (logits, phi) = jax.vjp(h, chosen, has_aux=True)
    r0 = real[:, None] * (y - residual * logits)
    if len(mixers) == 1:
        gradients = jax.tree.map(lambda leaf: leaf[None], pull(jnp.matmul(r0, mixers[0]))[0])
    else:
        gradients = jax.vmap(lambda mixer: pull(jnp.matmul(r0, mixer))[0])(mixers)
    if of == "logits":
        return gradients, None, None
    return gradients, jnp.matmul(phi.T, r0), r0.sum(0)


def _logit_pullbacks(shared: Any, block: Any) -> Any:
    return _pullbacks("logits", shared, block)


def _feature_pullbacks(shared: Any, block: Any) -> Any:
    return _pullbacks("features", shared, block)


_PULLBACKS = {"logits": _logit_pullbacks, "features": _feature_pullbacks}
