"""The library neural-tangents 0.6.5 as a backend, an oracle and an opponent: the one place that knows its gaps.

It was archived in 2025 and imports only up to JAX 0.5. `library()` supplies the JAX names that it lost while it is
imported and the argument that SciPy's `eigvalsh` lost, and replaces its TensorFlow-only sub-module by an empty one;
Jacobian contraction, NTK-vector products, `predict`, `linearize`, `stax` and `batch` then work. Its structured
derivatives do not.
"""

import importlib
import importlib.util
import sys
import types
from collections.abc import Iterator
from functools import lru_cache, partial
from typing import Any

import jax
import numpy as np
import scipy.linalg
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.functions import as_function, check_inputs, n_outputs, padded
from lin_ft.kernels.precision import kernel_dtype
from lin_ft.trainable import Trainable, merge, split
from lin_ft.typing import Apply, Array, Params

__all__ = ["library"]


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
    Memory is the library's: whole Jacobians of a batch of `batch_size` (None: of all samples, in one program).
    Models of one architecture, and repeated calls, share one compiled program.

    Raises:
        InputError: the library is missing, an unknown implementation, a batch below 1.
    """
    library()
    if implementation not in ("jacobian_contraction", "ntk_vector_products"):
        raise InputError(
            f"Unknown implementation '{implementation}'; known are jacobian_contraction, ntk_vector_products."
        )
    if batch_size is not None and batch_size < 1:
        raise InputError(f"A batch needs at least 1 sample, not {batch_size}.")
    function = as_function(apply)
    check_inputs(params, x1)
    n_classes = n_outputs(function, params, x1)
    weights = split(params, trainable)
    n1, n2 = x1.shape[0], (x1 if x2 is None else x2).shape[0]
    whole = batch_size is None or batch_size >= max(n1, n2)
    theta = np.zeros((n1, n2) if output == "trace" else (n1, n2, n_classes, n_classes), kernel_dtype(params))
    for rows, block1 in _blocks(x1, None if whole else batch_size):
        for columns, block2 in _blocks(x1 if x2 is None else x2, None if whole else batch_size):
            if x2 is None and columns.start < rows.start:
                continue  # filled by symmetry below
            other = None if x2 is None and columns == rows else block2
            part = np.asarray(_kernel(function, *weights, block1, other, output=output, implementation=implementation))
            theta[rows, columns] = part[: rows.stop - rows.start, : columns.stop - columns.start]
            if x2 is None and columns != rows:
                theta[columns, rows] = theta[rows, columns].transpose(1, 0, *range(2, theta.ndim)[::-1])
    return theta if output == "trace" else theta.transpose(0, 2, 1, 3)


def _blocks(x: Array, size: int | None) -> Iterator[tuple[slice, Array]]:
    """(place, samples), all of one length so that they share one compiled program; None: all samples at once."""
    length = x.shape[0] if size is None else size
    for start in range(0, x.shape[0], length):
        yield slice(start, min(start + length, x.shape[0])), padded(x[start : start + length], length)


@partial(jax.jit, static_argnames=("output", "implementation"))
def _kernel(
    function: Any, chosen: Params, frozen: Params, x1: Any, x2: Any, *, output: str, implementation: str
) -> jax.Array:
    """The library's kernel under one `jax.jit`, whose cache knows the function by its code: its best use."""
    nt = library()
    leaves, structure = jax.tree.flatten(chosen)  # None marks the other part's leaves; the library wants a plain tree

    def f(values: Any, x: Any) -> Any:
        return function(merge(jax.tree.unflatten(structure, values), frozen), x)

    kernel_fn = nt.empirical_ntk_fn(
        f,
        trace_axes=(-1,) if output == "trace" else (),
        vmap_axes=0,
        implementation=getattr(nt.NtkImplementation, implementation.upper()),
    )
    return kernel_fn(x1, x2, leaves)


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
    module = importlib.import_module("neural_tangents")
    importlib.import_module("neural_tangents._src.predict").sp = types.SimpleNamespace(  # type: ignore[attr-defined]
        linalg=types.SimpleNamespace(eigvalsh=_eigvalsh)
    )
    return module


def _eigvalsh(a: Any, *, eigvals: tuple[int, int]) -> np.ndarray:
    """SciPy's `eigvalsh` with the argument that it called `eigvals` until version 1.13."""
    return scipy.linalg.eigvalsh(a, subset_by_index=eigvals)


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
    if "jax.util" not in sys.modules and importlib.util.find_spec("jax.util") is None:
        util = types.ModuleType("jax.util")
        util.safe_map = lambda f, *xs: list(map(f, *_equally_long(xs)))  # type: ignore[attr-defined]
        util.safe_zip = lambda *xs: list(zip(*_equally_long(xs), strict=True))  # type: ignore[attr-defined]
        sys.modules["jax.util"] = util


def _equally_long(sequences: tuple[Any, ...]) -> list[list[Any]]:
    lists = [list(sequence) for sequence in sequences]
    if len({len(items) for items in lists}) > 1:
        raise ValueError(f"unequal lengths {[len(items) for items in lists]}")
    return lists
