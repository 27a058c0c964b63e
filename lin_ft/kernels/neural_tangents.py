"""The library neural-tangents 0.6.5 as a backend, an oracle and an opponent: the one place that knows its gaps.

It was archived in 2025 and imports only up to JAX 0.5. `library()` supplies the JAX names that it lost while it is
imported and replaces its TensorFlow-only sub-module by an empty one; Jacobian contraction, NTK-vector products,
`predict`, `linearize` and `batch` then work. Its structured derivatives do not.
"""

import importlib
import importlib.util
import sys
import types
from functools import lru_cache
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.functions import as_function, check_inputs, n_outputs
from lin_ft.trainable import Trainable, merge, split
from lin_ft.typing import Apply, Array, Params


def neural_tangents_gram(
    apply: Apply,
    params: Params,
    x1: Array,
    x2: Array | None = None,
    *,
    output: str = "trace",
    implementation: str = "jacobian_contraction",
    trainable: Trainable = "all",
    batch_size: int | None = None,
) -> Float[np.ndarray, "n1 n2"] | Float[np.ndarray, "n1 C n2 C"]:
    """Empirical NTK by neural-tangents, `trace` (n1, n2) or `full` (n1, C, n2, C).

    `implementation`: `jacobian_contraction` or `ntk_vector_products` (Novak et al. 2022, arXiv 2206.08720).
    Memory is the library's: whole Jacobians of a batch of `batch_size` (None: of all samples).

    Raises:
        InputError: the library is missing, an unknown implementation, samples that do not fit in whole batches.
    """
    nt = library()
    if implementation not in ("jacobian_contraction", "ntk_vector_products"):
        raise InputError(
            f"Unknown implementation '{implementation}'; known are jacobian_contraction, ntk_vector_products."
        )
    function = as_function(apply)
    check_inputs(params, x1)
    for x in (x1,) if x2 is None else (x1, x2):
        if batch_size and x.shape[0] % batch_size:
            raise InputError(
                f"neural-tangents needs whole batches: {x.shape[0]} samples are not a multiple of {batch_size}."
            )
    n_classes = n_outputs(function, params, x1)
    chosen, frozen = split(params, trainable)
    # None marks the other part's leaves; the library wants a plain tree.
    leaves, structure = jax.tree.flatten(chosen)

    def f(values: Any, x: Any) -> Any:
        return function(merge(jax.tree.unflatten(structure, values), frozen), x)

    kernel_fn = nt.empirical_ntk_fn(
        f,
        trace_axes=(-1,) if output == "trace" else (),
        vmap_axes=0,
        implementation=getattr(nt.NtkImplementation, implementation.upper()),
    )
    kernel_fn = nt.batch(kernel_fn, batch_size=batch_size) if batch_size else jax.jit(kernel_fn)
    theta = np.asarray(kernel_fn(x1, x2, leaves))
    if output == "trace":
        return theta
    expected = (x1.shape[0], (x1 if x2 is None else x2).shape[0], n_classes, n_classes)
    return theta.reshape(expected).transpose(0, 2, 1, 3)


@lru_cache(maxsize=1)
def library() -> Any:
    """The module `neural_tangents`.

    Raises:
        InputError: it is not installed.
    """
    if importlib.util.find_spec("neural_tangents") is None:
        raise InputError(
            "neural-tangents is not installed; `pip install lin_ft[neural-tangents]`,"
            " or without its TensorFlow: `pip install --no-deps neural-tangents==0.6.5 frozendict`."
        )
    _supply_lost_names()
    for name in ("experimental", "experimental.empirical_tf", "experimental.empirical_tf.empirical"):
        stub = types.ModuleType(f"neural_tangents.{name}")
        stub.__path__ = []  # type: ignore[attr-defined]
        sys.modules.setdefault(f"neural_tangents.{name}", stub)
    return importlib.import_module("neural_tangents")


def _supply_lost_names() -> None:
    import jax.core as jax_core
    from jax.extend import core
    from jax.interpreters import ad

    for name in ("Jaxpr", "JaxprEqn", "Literal", "Var", "Primitive", "ClosedJaxpr"):
        if not hasattr(jax_core, name):
            setattr(jax_core, name, getattr(core, name))
    if not hasattr(jax_core, "eval_context"):
        setattr(jax_core, "eval_context", jax.ensure_compile_time_eval)  # noqa: B010
    if not hasattr(ad, "zeros_like_p"):
        ad.zeros_like_p = core.Primitive("zeros_like")  # type: ignore[attr-defined]
    if importlib.util.find_spec("jax.util") is None:
        util = types.ModuleType("jax.util")
        util.safe_map = lambda f, *xs: list(map(f, *_equally_long(xs)))  # type: ignore[attr-defined]
        util.safe_zip = lambda *xs: list(zip(*_equally_long(xs), strict=True))  # type: ignore[attr-defined]
        sys.modules["jax.util"] = util


def _equally_long(sequences: tuple[Any, ...]) -> list[list[Any]]:
    lists = [list(sequence) for sequence in sequences]
    if len({len(items) for items in lists}) > 1:
        raise ValueError(f"unequal lengths {[len(items) for items in lists]}")
    return lists
