"""Flax modules as plain functions: `apply(params, x) -> logits`, batch statistics frozen and dropout off.

`from_linen` and `from_nnx` give `(apply, params)`. `apply` is a `ModelFunction`: its code is static and
hashable, its frozen state (batch statistics) is a pytree. Passed to `jax.jit` as an argument it costs no
recompilation, so all models of one architecture and input shape share one compiled program.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.core
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from lin_ft.errors import InputError
from lin_ft.typing import Apply, Array, Features, Logits, Params

__all__ = [
    "ModelFunction",
    "features_of",
    "from_linen",
    "from_nnx",
    "head_logits",
    "logits_of",
    "with_head",
    "without_head",
]

# Arguments by which published modules switch to evaluation, and the value that does it.
EVALUATION_ARGUMENTS = {
    "train": False,
    "training": False,
    "is_training": False,
    "deterministic": True,
    "use_running_average": True,
}


@partial(jax.tree_util.register_dataclass, data_fields=["frozen"], meta_fields=["body", "has_head"])
@dataclass(frozen=True)
class ModelFunction:
    """f(x; w) = phi(x; w) W + b, callable as `apply(params, x)`: (n, ...) -> (n, C).

    `body(params, frozen, x)` gives phi, (n, d), where `has_head`, else the logits. W and b are
    `params["head"]`, so the number of classes follows from the head that the caller puts there. `frozen` is
    state that never trains.
    """

    body: Callable[[Params, Params, Any], Any]
    frozen: Params = field(default_factory=dict)
    has_head: bool = True

    def __call__(self, params: Params, x: Any) -> Any:
        """Logits (n, C) of n inputs, (n, ...)."""
        if not self.has_head:
            return self.body(params, self.frozen, x)
        return head_logits(params["head"], self.features(params, x))

    def features(self, params: Params, x: Any) -> Any:
        """phi(x; w): penultimate features, (n, d). Cost: one forward pass.

        Raises:
            InputError: no separate head; features of another rank than 2.
        """
        if not self.has_head:
            raise InputError("This function has no separate head; give a module with a `features` method and a `head`.")
        features = self.body(params, self.frozen, x)
        if jnp.ndim(features) != 2:
            raise InputError(
                f"The network's `features` have shape {jnp.shape(features)} where (n, d) is due; pool or flatten them."
            )
        return features


def head_logits(head: Params, features: Any) -> Any:
    """phi W + b for `head = {"kernel": (d, C), "bias": (C,)}`; the bias may be missing.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.functions import head_logits
        >>> head_logits({"kernel": np.array([[1.0], [2.0]]), "bias": np.array([0.5])}, np.array([[1.0, 1.0]]))
        Array([[3.5]], dtype=float32)
    """
    kernel = jnp.asarray(head["kernel"])
    if kernel.shape[0] != features.shape[1]:
        raise InputError(f"The head takes {kernel.shape[0]} features, but the network gives {features.shape[1]}.")
    logits = jnp.matmul(features, kernel)
    return logits + jnp.asarray(head["bias"])[None, :] if "bias" in head else logits


def with_head(params: Params, head: Params) -> Params:
    """The same weights under another head; see `lin_ft.heads.init_head`.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.functions import with_head
        >>> params = {"conv": np.ones(3), "head": {"kernel": np.ones((8, 1000))}}
        >>> with_head(params, {"kernel": np.zeros((8, 2))})["head"]["kernel"].shape
        (8, 2)
    """
    return {**params, "head": head}


def without_head(params: Params) -> Params:
    """The backbone's weights only.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.functions import without_head
        >>> list(without_head({"conv": np.ones(3), "head": {"kernel": np.ones((8, 1000))}}))
        ['conv']
    """
    return {name: value for name, value in params.items() if name != "head"}


def as_function(apply: Apply) -> ModelFunction:
    """Any `apply(params, x)` as a ModelFunction, a pytree that can be an argument of jitted functions."""
    return apply if isinstance(apply, ModelFunction) else ModelFunction(_Plain(apply), {}, has_head=False)


@dataclass(frozen=True)
class _Plain:
    apply: Apply

    def __call__(self, params: Params, frozen: Params, x: Any) -> Any:
        return self.apply(params, x)


@dataclass(frozen=True)
class LinenBody:
    """Hashable by the module's fields, so equal architectures share one entry of jit's cache."""

    module: Any
    method: str

    def __call__(self, params: Params, frozen: Params, x: Any) -> Any:
        import flax.errors

        arguments = _evaluation_arguments(getattr(type(self.module), self.method))
        samples = jax.tree.map(jnp.asarray, x)
        try:
            return self.module.apply({"params": params, **frozen}, samples, method=self.method, **arguments)
        except flax.errors.ModifyScopeVariableError as error:
            raise InputError(
                f"{type(self.module).__name__} updates batch statistics; it must run with `train=False`."
            ) from error
        except flax.errors.InvalidRngError as error:
            raise InputError(f"{type(self.module).__name__} draws random numbers; switch its dropout off.") from error
        except (flax.errors.ScopeParamShapeError, flax.errors.ScopeParamNotFoundError) as error:
            reason = str(error).split("(https")[0].strip()
            raise InputError(f"The weights do not fit {type(self.module).__name__}: {reason}") from error
        except flax.errors.ScopeCollectionNotFound as error:
            raise InputError(f"The variables of {type(self.module).__name__} lack a collection: {error}") from error
        except (TypeError, ValueError, AttributeError) as error:
            raise _does_not_take(self.module, samples, error) from error


def from_linen(module: Any, variables: Params) -> tuple[ModelFunction, Params]:
    """(apply, params) of a Flax linen module and its variables, in evaluation mode.

    Where the module has a method `features(x, train)` and a Dense layer called `head`, the head is kept
    apart, so that the same function serves any number of classes. All collections but "params" are frozen.
    `x` is what the module takes, an array or a tree of arrays, and without a head the output may have any rank:
    `lin_ft.kernels.ntk` takes such functions too, the rest of lin_ft those with one array x and outputs (n, C).

    Examples:
        >>> import jax
        >>> import lin_ft
        >>> from flax import linen as nn
        >>> class Net(nn.Module):
        ...     def setup(self):
        ...         self.hidden, self.head = nn.Dense(8), nn.Dense(3)
        ...     def features(self, x):
        ...         return nn.relu(self.hidden(x))
        ...     def __call__(self, x):
        ...         return self.head(self.features(x))
        >>> x = jax.random.normal(jax.random.key(0), (6, 4))
        >>> apply, params = lin_ft.from_linen(Net(), Net().init(jax.random.key(1), x))
        >>> apply(params, x).shape, apply.features(params, x).shape
        ((6, 3), (6, 8))

    Raises:
        InputError: weights that are not finite; and, when called, weights whose shapes do not fit, samples that
            the module does not take, features of another rank than 2, batch statistics in training mode, active
            dropout.
    """
    variables = {name: _to_dict(collection) for name, collection in variables.items()}
    if "params" not in variables:
        raise InputError("The variables hold no collection 'params'.")
    params = variables.pop("params")
    check_finite(params)
    check_finite(variables)
    has_head = hasattr(module, "features") and _is_dense(params.get("head"))
    if has_head and "n_classes" in getattr(module, "__dataclass_fields__", {}):
        module = module.clone(n_classes=1)  # unused by `features`: one key for all numbers of classes
    return ModelFunction(LinenBody(module, "features" if has_head else "__call__"), variables, has_head), params


@dataclass(frozen=True)
class NnxBody:
    graph: Any
    method: str

    def module(self, params: Params, frozen: Params) -> Any:
        """A module of its own with these weights and this state, in evaluation mode."""
        from flax import nnx

        weights = _from_dict(without_head(params) if self.method == "features" else params, nnx.Param)
        return nnx.merge(self.graph, weights, frozen["state"], copy=True)

    def __call__(self, params: Params, frozen: Params, x: Any) -> Any:
        from flax import nnx

        before = jax.tree.leaves(frozen["state"])
        module = self.module(params, frozen)
        samples = jax.tree.map(jnp.asarray, x)
        try:
            result = getattr(module, self.method)(samples)
        except (TypeError, ValueError, AttributeError) as error:
            raise _does_not_take(module, samples, error) from error
        # An unchanged variable comes back as the very same array: anything else was updated by the call.
        after = jax.tree.leaves(nnx.state(module, nnx.Not(nnx.Param)))
        if any(old is not new for old, new in zip(before, after, strict=True)):
            name = type(module).__name__
            raise InputError(f"{name} changes its state when called: batch statistics or dropout are in training mode.")
        return result


def from_nnx(module: Any) -> tuple[ModelFunction, Params]:
    """(apply, params) of a Flax nnx module, in evaluation mode; the module itself is left as it is.

    The head is kept apart where the module has a method `features(x)` and a Linear layer called `head`.

    Inputs and outputs as in `from_linen`.

    Examples:
        >>> import jax
        >>> import lin_ft
        >>> from flax import nnx
        >>> class Net(nnx.Module):
        ...     def __init__(self, rngs):
        ...         self.hidden, self.head = nnx.Linear(4, 8, rngs=rngs), nnx.Linear(8, 3, rngs=rngs)
        ...     def features(self, x):
        ...         return nnx.relu(self.hidden(x))
        ...     def __call__(self, x):
        ...         return self.head(self.features(x))
        >>> apply, params = lin_ft.from_nnx(Net(nnx.Rngs(0)))
        >>> apply(params, jax.numpy.ones((6, 4))).shape
        (6, 3)

    Raises:
        InputError: weights that are not finite; and, when called, samples that the module does not take, features of
            another rank than 2, layers that change their state.
    """
    from flax import nnx

    module = nnx.merge(*nnx.split(module), copy=True)
    module.eval()
    params = nnx.to_pure_dict(nnx.state(module, nnx.Param))
    check_finite(params)
    has_head = hasattr(module, "features") and _is_dense(params.get("head"))
    if has_head:
        del module.head  # unused by `features`: one key for all numbers of classes
    graph, _, state = nnx.split(module, nnx.Param, ...)
    return ModelFunction(NnxBody(graph, "features" if has_head else "__call__"), {"state": state}, has_head), params


def _is_dense(head: Any) -> bool:
    """Whether these are the weights of one dense layer, phi W + b."""
    return (
        isinstance(head, dict)
        and "kernel" in head
        and set(head) <= {"kernel", "bias"}
        and jnp.ndim(head["kernel"]) == 2
    )


def _does_not_take(module: Any, samples: Any, error: Exception) -> InputError:
    if isinstance(error, InputError):
        return error
    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    return InputError(f"{type(module).__name__} does not take {_described(samples)}: {reason}")


def _described(samples: Any) -> str:
    if hasattr(samples, "shape"):
        return f"samples of shape {tuple(samples.shape)}"
    kind = "dictionary" if isinstance(samples, dict) else type(samples).__name__
    return f"a {kind} of {len(jax.tree.leaves(samples))} arrays as samples"


def check_array(x: Any) -> None:
    """Raise InputError for samples that are not one array with a leading axis of samples."""
    if not hasattr(x, "shape") or not hasattr(x, "dtype"):
        raise InputError(
            f"The samples must be one array, (n, ...), not {_described(x)}; `lin_ft.kernels.ntk` takes trees of arrays."
        )
    if len(x.shape) == 0:
        raise InputError(f"The samples must be an array with a leading axis of samples, not the single number {x}.")


def n_outputs(function: ModelFunction, params: Params, x: Array) -> int:
    """C, from the head or, without one, from the shape of the output.

    Raises:
        InputError: samples that are not one array, outputs that are not (n, C) of floating-point numbers.
    """
    check_array(x)
    if function.has_head:
        return params["head"]["kernel"].shape[1]
    out = jax.eval_shape(function, params, jax.ShapeDtypeStruct((1, *x.shape[1:]), x.dtype))
    check_logits(out)
    return out.shape[1]


def check_logits(out: Any) -> None:
    """Raise InputError for what is not an array of outputs (n, C), or of its shape."""
    if not hasattr(out, "shape"):
        raise InputError(f"The function returns a {type(out).__name__} where one array of outputs (n, C) is due.")
    if len(out.shape) != 2:
        shape = f"(n, {', '.join(map(str, out.shape[1:]))})" if out.shape[1:] else f"({'n,' if out.shape else ''})"
        raise InputError(
            f"The function's outputs have shape {shape} where (n, C) is due: reshape them to two axes, or use"
            " `lin_ft.kernels.ntk`, which takes outputs of any rank."
        )
    if not jnp.issubdtype(out.dtype, jnp.floating):
        raise InputError(f"The function's outputs are {out.dtype} where floating-point numbers are due.")


def check_independent(function: ModelFunction, params: Params, x: Array) -> None:
    """Raise InputError where a plain `apply` treats a sample otherwise in company.

    Its per-example gradients would be wrong. Modules from `from_linen` and `from_nnx` run in evaluation mode and are
    not run here.

    Cost: two forward passes, of one and of three samples.
    """
    check_array(x)
    if not isinstance(function.body, _Plain) or x.shape[0] == 0:
        return
    n_outputs(function, params, x)
    one = np.asarray(jnp.asarray(x[:1]))
    alone = np.asarray(_logits(function, params, one), np.float64)
    other = x[-1:] if x.shape[0] > 1 else np.zeros_like(one)
    joined = np.asarray(_logits(function, params, np.concatenate([one, other, one])), np.float64)[::2]
    tolerance = 1e3 * float(jnp.finfo(jnp.result_type(*jax.tree.leaves(params))).eps)
    if np.abs(joined - alone).max() > tolerance * max(1.0, np.abs(alone).max()):
        raise InputError(
            "The function gives a sample other outputs alone than beside another one; switch its batch statistics to"
            " evaluation and its dropout off."
        )


def check_finite(tree: Params, what: str = "weights") -> None:
    """Raise InputError naming the first leaf that holds NaN or infinity. Skipped for traced values."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        if isinstance(leaf, jax.core.Tracer) or not jnp.issubdtype(jnp.result_type(leaf), jnp.inexact):
            continue
        if not np.isfinite(np.asarray(leaf, dtype=np.float64)).all():
            name = jax.tree_util.keystr(path, simple=True, separator="/")
            raise InputError(f"The {what} hold NaN or infinite values{f' in {name}' if name else ''}.")


def check_inputs(params: Params, x: Array, *others: Array) -> None:
    """Raise InputError for weights or pixels that are not finite, and for arrays of unequal length."""
    check_array(x)
    if x.shape[0] == 0:
        raise InputError("There are no samples.")
    for other in others:
        if other.shape[0] != x.shape[0]:
            raise InputError(f"There are {x.shape[0]} samples but {other.shape[0]} targets.")
    check_finite(params)
    for other in (x, *others):
        check_finite(other, "samples or targets")


def features_of(apply: ModelFunction, params: Params, x: Array, *, batch_size: int = 128) -> Features:
    """phi of many samples, (n, d), in equal batches. Cost: one forward pass, memory of one batch.

    Examples:
        >>> import jax
        >>> import lin_ft
        >>> from flax import linen as nn
        >>> from lin_ft.functions import features_of
        >>> class Net(nn.Module):
        ...     def setup(self):
        ...         self.hidden, self.head = nn.Dense(8), nn.Dense(3)
        ...     def features(self, x):
        ...         return nn.relu(self.hidden(x))
        ...     def __call__(self, x):
        ...         return self.head(self.features(x))
        >>> x = jax.random.normal(jax.random.key(0), (6, 4))
        >>> apply, params = lin_ft.from_linen(Net(), Net().init(jax.random.key(1), x))
        >>> features_of(apply, params, x, batch_size=4).shape
        (6, 8)
    """
    return _in_batches(_features, apply, without_head(params), x, batch_size)


def logits_of(apply: Apply, params: Params, x: Array, *, batch_size: int = 128) -> Logits:
    """f of many samples, (n, C), in equal batches. Cost: one forward pass, memory of one batch.

    Examples:
        >>> import jax
        >>> import lin_ft
        >>> from flax import linen as nn
        >>> from lin_ft.functions import logits_of
        >>> class Net(nn.Module):
        ...     def setup(self):
        ...         self.hidden, self.head = nn.Dense(8), nn.Dense(3)
        ...     def features(self, x):
        ...         return nn.relu(self.hidden(x))
        ...     def __call__(self, x):
        ...         return self.head(self.features(x))
        >>> x = jax.random.normal(jax.random.key(0), (6, 4))
        >>> apply, params = lin_ft.from_linen(Net(), Net().init(jax.random.key(1), x))
        >>> logits_of(apply, params, x, batch_size=4).shape
        (6, 3)
    """
    return _in_batches(_logits, as_function(apply), params, x, batch_size)


@jax.jit
def _features(apply: ModelFunction, params: Params, x: Any) -> Any:
    return apply.features(params, x)


@jax.jit
def _logits(apply: ModelFunction, params: Params, x: Any) -> Any:
    logits = apply(params, x)
    check_logits(logits)
    return logits


def _in_batches(
    function: Any, apply: ModelFunction, params: Params, x: Array, batch_size: int
) -> Float[np.ndarray, "n _"]:
    check_inputs(params, x)
    size = balanced_size(x.shape[0], batch_size)
    rows = [
        np.asarray(function(apply, params, padded(x[start : start + size], size)))
        for start in range(0, x.shape[0], size)
    ]
    return np.concatenate(rows)[: x.shape[0]]


def balanced_size(n: int, largest: int) -> int:
    """Size of equal batches of at most `largest`: 100 samples at most 64 at a time are two batches of 50."""
    return -(-n // -(-n // max(1, largest)))


def padded(x: Array, size: int) -> Array:
    """x with its first sample repeated at the end, up to `size` rows."""
    missing = size - x.shape[0]
    return x if missing == 0 else np.concatenate([x, np.repeat(np.asarray(x[:1]), missing, axis=0)])


def _evaluation_arguments(method: Any) -> dict[str, bool]:
    known = inspect.signature(method).parameters
    return {name: value for name, value in EVALUATION_ARGUMENTS.items() if name in known}


def _to_dict(tree: Any) -> Any:
    return {name: _to_dict(value) for name, value in tree.items()} if hasattr(tree, "items") else tree


def _from_dict(params: Params, kind: Any) -> Any:
    from flax import nnx

    return nnx.State(jax.tree.map(lambda leaf: kind(leaf), params))
