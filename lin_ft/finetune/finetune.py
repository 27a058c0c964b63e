"""Real fine-tuning: the whole network with Optax on a few-shot task, learning rate chosen on validation."""

import dataclasses
import functools
import json
import logging
import time
from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from lin_ft.data import Task
from lin_ft.errors import DivergedError, InputError
from lin_ft.functions import from_linen, logits_of
from lin_ft.predict import bootstrap_interval
from lin_ft.zoo import ZooModel
from lin_ft.zoo.weights import write_atomically

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class FinetuneConfig:
    """Budget and hyper-parameters of one fine-tuning.

    SGD with Nesterov momentum on the cross-entropy, linear warm-up, then cosine decay to zero; the new head
    starts at zero; BatchNorm in training mode; random shifts of the image as the only augmentation. Each learning
    rate is tried, the one with the best validation accuracy (ties: lowest validation loss) is tested. A task without
    validation images takes a single rate: the test images never choose.
    """

    steps: int = 150
    batch_size: int = 32
    learning_rates: tuple[float, ...] = (0.003, 0.01, 0.03)
    momentum: float = 0.9
    weight_decay: float = 1e-4
    warmup: float = 0.1
    shift: int = 2
    """Largest shift in pixels."""
    seed: int = 0

    def __post_init__(self):
        if self.steps < 1 or self.batch_size < 1:
            raise InputError(f"steps {self.steps}, batch_size {self.batch_size}: give at least 1 of each.")
        if not self.learning_rates or not all(rate > 0 for rate in self.learning_rates):
            raise InputError(f"learning_rates {self.learning_rates}: give at least one, all above 0.")


@dataclasses.dataclass(frozen=True)
class FinetuneResult:
    """Accuracies are fractions in [0, 1]; `curve` is the training loss of every step at the chosen rate."""

    model: str
    task: str
    learning_rate: float
    validation_accuracy: dict[float, float]
    test_accuracy: float
    test_accuracy_interval: tuple[float, float]
    correct: np.ndarray
    """(n_test,) bool: test images classified rightly."""
    curve: tuple[float, ...]
    seconds: float

    def as_dict(self) -> dict:
        """Everything as JSON types."""
        rates = {f"{rate:g}": accuracy for rate, accuracy in self.validation_accuracy.items()}
        correct = [bool(value) for value in self.correct]
        return dataclasses.asdict(self) | {"validation_accuracy": rates, "correct": correct}

    def save_json(self, path: str | Path) -> None:
        text = json.dumps(self.as_dict(), indent=1) + "\n"
        write_atomically(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))


@functools.cache
def _training_step(module: nn.Module, momentum: float, weight_decay: float):
    """One compiled step for all models of an architecture: weights, statistics and rate are arguments."""
    optimizer = optax.chain(
        optax.add_decayed_weights(weight_decay, mask=lambda params: jax.tree.map(lambda p: p.ndim > 1, params)),
        optax.trace(momentum, nesterov=True),
    )

    def loss(params, statistics, x, y):
        variables = {"params": params, "batch_stats": statistics}
        logits, updated = module.apply(variables, x, train=True, mutable=["batch_stats"])
        return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean(), updated["batch_stats"]

    @jax.jit
    def step(params, statistics, state, x, y, learning_rate):
        (value, statistics), grads = jax.value_and_grad(loss, has_aux=True)(params, statistics, x, y)
        updates, state = optimizer.update(grads, state, params)
        params = jax.tree.map(lambda p, u: p - learning_rate * u, params, updates)
        return params, statistics, state, value

    return optimizer, step


def _batch(rng: np.random.Generator, x: np.ndarray, y: np.ndarray, index: np.ndarray, shift: int):
    if not shift:
        return x[index], y[index]
    padded = np.pad(x[index], ((0, 0), (shift, shift), (shift, shift), (0, 0)), mode="edge")
    side = x.shape[1:3]
    offsets = rng.integers(0, 2 * shift + 1, (len(index), 2))
    rows = [
        image[top : top + side[0], left : left + side[1]] for image, (top, left) in zip(padded, offsets, strict=True)
    ]
    return np.stack(rows), y[index]


def _indices(rng: np.random.Generator, n: int, batch_size: int, steps: int) -> np.ndarray:
    """(steps, batch_size) sample indices: every sample once before any comes again."""
    rounds = -(-steps * batch_size // n)
    order = np.concatenate([rng.permutation(n) for _ in range(rounds)])
    return order[: steps * batch_size].reshape(steps, batch_size)


def finetune(
    model: ZooModel, task: Task, config: FinetuneConfig | None = None, *, progress: bool = False
) -> FinetuneResult:
    """Fine-tune all weights of `model` on `task.train`; test accuracy with a 95 % bootstrap interval.

    Cost: steps x batch_size forward-and-backward passes for each learning rate, plus forward passes over the
    validation and the test images. Raises DivergedError (an InputError) when every learning rate diverges.
    """
    config = config or FinetuneConfig()
    if len(task.validation) == 0 and len(config.learning_rates) > 1:
        raise InputError(
            f"{task.name}: no validation images to choose a learning rate on; give one rate, or fewer shots."
        )
    began = time.monotonic()
    module = model.module(task.n_classes)
    optimizer, step = _training_step(module, config.momentum, config.weight_decay)
    x, y = model.normalise(task.train.images), np.asarray(task.train.labels)
    x_validation, y_validation = model.normalise(task.validation.images), np.asarray(task.validation.labels)
    warmup = max(1, int(config.warmup * config.steps))
    rate = optax.warmup_cosine_decay_schedule(0, 1, warmup, max(config.steps, warmup + 1))
    schedule = np.asarray([rate(i + 1) for i in range(config.steps)], np.float32)
    start = dict(model.variables["params"])
    start["head"] = jax.tree.map(
        jnp.zeros_like, jax.eval_shape(module.init, jax.random.key(0), x[:1])["params"]["head"]
    )

    tried: list[tuple[tuple[float, float], float, dict, list[float]]] = []
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, disable=not progress, transient=True) as bar:
        done = bar.add_task(f"{model.name} on {task.name}", total=config.steps * len(config.learning_rates))
        for learning_rate in config.learning_rates:
            rng = np.random.Generator(np.random.Philox(key=config.seed))
            params, statistics = start, model.variables["batch_stats"]
            state, curve = optimizer.init(params), []
            indices = _indices(rng, len(x), config.batch_size, config.steps)
            for index, factor in zip(indices, schedule, strict=True):
                xb, yb = _batch(rng, x, y, index, config.shift)
                params, statistics, state, value = step(
                    params, statistics, state, xb, yb, np.float32(learning_rate * factor)
                )
                curve.append(value)
                bar.advance(done)
            curve = [float(value) for value in curve]
            variables = {"params": params, "batch_stats": statistics}
            if not all(np.isfinite(leaf).all() for leaf in jax.tree.leaves((variables, curve))):
                logger.warning("%s on %s: diverged at learning rate %g", model.name, task.name, learning_rate)
                continue
            accuracy, loss = 0.0, 0.0
            if len(x_validation):
                accuracy, loss = _score(
                    np.asarray(logits_of(*from_linen(module, variables), x_validation)), y_validation
                )
            tried.append(((-accuracy, loss), learning_rate, variables, curve))
    if not tried:
        rates = ", ".join(f"{rate:g}" for rate in config.learning_rates)
        raise DivergedError(f"{model.name} on {task.name}: diverged at every learning rate ({rates}); give lower ones.")
    _, learning_rate, variables, curve = min(tried, key=lambda row: row[0])
    logits = np.asarray(logits_of(*from_linen(module, variables), model.normalise(task.test.images)))
    correct = logits.argmax(-1) == np.asarray(task.test.labels)
    return FinetuneResult(
        model=model.name,
        task=task.name,
        learning_rate=learning_rate,
        validation_accuracy={rate: -key[0] for key, rate, _, _ in tried},
        test_accuracy=float(correct.mean()),
        test_accuracy_interval=bootstrap_interval(correct, seed=config.seed),
        correct=correct,
        curve=tuple(curve),
        seconds=time.monotonic() - began,
    )


def _score(logits: Float[np.ndarray, "n C"], labels: np.ndarray) -> tuple[float, float]:
    """Accuracy and mean cross-entropy."""
    loss = optax.softmax_cross_entropy_with_integer_labels(jnp.asarray(logits), jnp.asarray(labels)).mean()
    return float((logits.argmax(-1) == labels).mean()), float(loss)
