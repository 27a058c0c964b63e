"""What is trained: the real network, or its tangent model at the starting weights; and one step of either."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

from lin_ft.autodiff.split_gradient import first_program, second_program
from lin_ft.finetune.config import FinetuneConfig
from lin_ft.finetune.optimizers import OPTIMIZERS
from lin_ft.functions import ModelFunction
from lin_ft.tangent import linearize, tangent_value_and_grad
from lin_ft.trainable import merge
from lin_ft.typing import Params


class State(NamedTuple):
    """Of one point of the grid: what a step changes."""

    weights: Params
    """The trainable ones; None where a leaf is frozen."""
    statistics: Params
    """Of BatchNorm."""
    optimizer: Any


def cross_entropy(logits: Any, y: Any) -> Any:
    """-(1/n) sum_i log softmax(f_i)_{y_i}."""
    return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean()


def squared(logits: Any, y: Any) -> Any:
    """(1/n) sum_i ½ ||f_i - Y_i||², Y one-hot: the loss of the closed forms in lin_ft.predict, over n."""
    targets = jax.nn.one_hot(y, logits.shape[1], dtype=logits.dtype)
    return 0.5 * ((logits - targets) ** 2).sum(-1).mean()


LOSSES = {"cross_entropy": cross_entropy, "squared": squared}


def start(weights: Params, statistics: Params, config: FinetuneConfig) -> State:
    """State before the first step: the pre-trained weights, and an optimizer that has seen nothing."""
    return State(weights, statistics, OPTIMIZERS[config.optimizer](config.momentum, 0.0).init(weights))


class Step(NamedTuple):
    """step(state, frozen, w0, x, y, rate, decay) -> (state, loss before the step), of one point of the grid.

    A pure function of arrays, the same object for equal settings: all models of an architecture share what is
    compiled of it. `w0` are the weights where the linearized network is linearized (None for the real one).
    """

    whole: Callable[..., tuple[State, Any]]
    halves: tuple[Callable[..., Any], Callable[..., tuple[State, Any]]] | None
    """whole(*a) = second(first(*a), *a), faster as two programs on a CPU; see lin_ft.autodiff.split_gradient."""


def step_of(module: nn.Module, config: FinetuneConfig) -> Step:
    """One step of the network that `config` trains."""
    return _step(module, config.network, config.updates_statistics, config.loss, config.optimizer, config.momentum)


@functools.cache
def _step(module: nn.Module, network: str, updates: bool, loss: str, optimizer: str, momentum: float) -> Step:
    lossfun = LOSSES[loss]

    def value(weights: Params, statistics: Params, frozen: Params, x: Any, y: Any):
        variables = {"params": merge(weights, frozen), "batch_stats": statistics}
        if not updates:
            return lossfun(module.apply(variables, x, train=False), y), statistics
        logits, updated = module.apply(variables, x, train=True, mutable=["batch_stats"])  # pyright: ignore[reportGeneralTypeIssues]
        return lossfun(logits, y), updated.get("batch_stats", {})

    def real(state: State, frozen: Params, w0: Params, x: Any, y: Any):
        gradient_of = jax.value_and_grad(value, has_aux=True)
        (loss_value, statistics), gradient = gradient_of(state.weights, state.statistics, frozen, x, y)
        return loss_value, statistics, gradient

    def linearized(state: State, frozen: Params, w0: Params, x: Any, y: Any):
        def apply(weights: Params, x: Any) -> Any:
            variables = {"params": merge(weights, frozen), "batch_stats": state.statistics}
            return module.apply(variables, x, train=False)

        value, gradient = tangent_value_and_grad(apply, w0, lossfun)(state.weights, x, y)
        return value, state.statistics, gradient

    def moved(state: State, statistics: Params, gradient: Params, rate: Any, decay: Any) -> State:
        updates, optimizer_state = OPTIMIZERS[optimizer](momentum, decay).update(
            gradient, state.optimizer, state.weights
        )
        weights = jax.tree.map(lambda w, u: w - rate * u, state.weights, updates)
        return State(weights, statistics, optimizer_state)

    def whole(state: State, frozen: Params, w0: Params, x: Any, y: Any, rate: Any, decay: Any):
        gradient_of = {"real": real, "linearized": linearized}[network]
        loss_value, statistics, gradient = gradient_of(state, frozen, w0, x, y)
        return moved(state, statistics, gradient, rate, decay), loss_value

    def first(state: State, frozen: Params, w0: Params, x: Any, y: Any, rate: Any, decay: Any):
        return first_program(value, state.weights, state.statistics, frozen, x, y)

    def second(given: Any, state: State, frozen: Params, w0: Params, x: Any, y: Any, rate: Any, decay: Any):
        (loss_value, statistics), pending = given
        gradient = second_program(value, pending, state.weights, state.statistics, frozen, x, y)
        return moved(state, statistics, gradient, rate, decay), loss_value

    return Step(whole, (first, second) if network == "real" else None)


def function_of(module: nn.Module, network: str, statistics: Params, frozen: Params, w0: Params) -> ModelFunction:
    """The network trained, as `apply(weights, x) -> logits` in evaluation mode, for lin_ft.functions.logits_of."""
    return ModelFunction(
        _Trained(module, network), {"statistics": statistics, "frozen": frozen, "w0": w0}, has_head=False
    )


class _Trained:
    """Equal for equal modules, so that their compiled programs are shared."""

    def __init__(self, module: nn.Module, network: str):
        self.module, self.network = module, network

    def __call__(self, weights: Params, frozen: Params, x: Any) -> Any:
        def apply(weights: Params, x: Any) -> Any:
            params = merge(weights, frozen["frozen"])
            return self.module.apply({"params": params, "batch_stats": frozen["statistics"]}, x, train=False)

        if self.network == "real":
            return apply(weights, jnp.asarray(x))
        return linearize(apply, frozen["w0"])(weights, jnp.asarray(x))

    def __hash__(self) -> int:
        return hash((self.module, self.network))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Trained) and (self.module, self.network) == (other.module, other.network)
