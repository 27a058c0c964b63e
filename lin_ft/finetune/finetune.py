"""Real fine-tuning of a zoo model on a few-shot task, hyper-parameters chosen on validation."""

import contextlib
import dataclasses
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from lin_ft.data import Task
from lin_ft.errors import DivergedError, InputError
from lin_ft.files.progress import bar
from lin_ft.finetune.config import FinetuneConfig
from lin_ft.finetune.grid import Draw, Point, Trained, train_grid
from lin_ft.finetune.networks import function_of
from lin_ft.finetune.result import FinetuneResult, GridPoint
from lin_ft.finetune.saving import Saving
from lin_ft.functions import features_of, logits_of
from lin_ft.heads import init_head
from lin_ft.predict import balanced_accuracy, bootstrap_interval
from lin_ft.sharding import DeviceChoice, local
from lin_ft.trainable import merge, split
from lin_ft.zoo import ZooModel

logger = logging.getLogger(__name__)


def finetune(
    model: ZooModel,
    task: Task,
    config: FinetuneConfig | None = None,
    *,
    progress: bool = False,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 50,
    devices: DeviceChoice = 1,
) -> FinetuneResult:
    """Fine-tune `model` on `task.train`; test accuracy with a 95 % bootstrap interval.

    With a folder `checkpoint` the state is kept there every `checkpoint_every` steps; the same call again goes on from
    it and ends in the same numbers, bit for bit on one machine, as an uninterrupted run.
    Cost: steps x batch_size forward-and-backward passes for each pair of the grid, plus forward passes over the
    validation and the test images. Raises DivergedError (an InputError) when every pair diverges.

    Args:
        model: to fine-tune.
        task: whose training images it sees.
        config: steps, optimizer and grid.
        progress: show a bar.
        checkpoint: folder that the state is kept in.
        checkpoint_every: steps.
        devices: how many, or which.

    Examples:
        >>> import jax, jax.numpy as jnp, numpy as np
        >>> import lin_ft, lin_ft.zoo
        >>> from flax import linen as nn
        >>> from lin_ft.finetune import FinetuneConfig, finetune
        >>> class Net(nn.Module):
        ...     n_classes: int = 2
        ...     def setup(self):
        ...         self.conv, self.head = nn.Conv(4, (3, 3)), nn.Dense(self.n_classes)
        ...     def features(self, x, train=False):
        ...         return nn.relu(self.conv(x)).mean((1, 2))
        ...     def __call__(self, x, train=False):
        ...         return self.head(self.features(x, train))
        >>> variables = Net().init(jax.random.key(0), jnp.zeros((1, 8, 8, 3)))
        >>> model = lin_ft.zoo.from_flax("mine", Net(), variables, image_size=8)
        >>> pixels = np.random.default_rng(0).integers(0, 256, (60, 8, 8), np.uint8)
        >>> np.savez("noise.npz", x=pixels, y=np.arange(60) % 2)
        >>> task = lin_ft.load_task("noise.npz", shots=5, size=8)
        >>> result = finetune(model, task, FinetuneConfig(steps=5, learning_rates=(0.1,)))
        >>> len(result.curve), 0 <= result.test_accuracy <= 1
        (5, True)
    """
    config = config or FinetuneConfig()
    (result,) = finetune_several(
        model, [(task, config.seed)], config, progress=progress, checkpoint=checkpoint,
        checkpoint_every=checkpoint_every, devices=devices,
    )  # fmt: skip
    if isinstance(result, DivergedError):
        raise result
    return result


def finetune_several(
    model: ZooModel,
    draws: Sequence[tuple[Task, int]],
    config: FinetuneConfig | None = None,
    *,
    progress: bool = False,
    checkpoint: str | Path | None = None,
    checkpoint_every: int = 50,
    devices: DeviceChoice = None,
) -> list[FinetuneResult | DivergedError]:
    """Several draws of one task (or seeds: the same task with other seeds) x the grid, as one program where that fits.

    Each draw, a (task, seed) pair, chooses its own hyper-parameters; its result is that of `finetune` but for
    rounding, or a DivergedError in its place. The draws must have equally many training images and classes.

    Args:
        model: to fine-tune.
        draws: (task, seed) pairs.
        config: steps, optimizer and grid.
        progress: show a bar.
        checkpoint: folder that the state is kept in.
        checkpoint_every: steps.
        devices: how many, or which; None: all.

    Examples:
        >>> import jax, jax.numpy as jnp, numpy as np
        >>> import lin_ft, lin_ft.zoo
        >>> from flax import linen as nn
        >>> from lin_ft.finetune import FinetuneConfig, finetune_several
        >>> class Net(nn.Module):
        ...     n_classes: int = 2
        ...     def setup(self):
        ...         self.conv, self.head = nn.Conv(4, (3, 3)), nn.Dense(self.n_classes)
        ...     def features(self, x, train=False):
        ...         return nn.relu(self.conv(x)).mean((1, 2))
        ...     def __call__(self, x, train=False):
        ...         return self.head(self.features(x, train))
        >>> variables = Net().init(jax.random.key(0), jnp.zeros((1, 8, 8, 3)))
        >>> model = lin_ft.zoo.from_flax("mine", Net(), variables, image_size=8)
        >>> pixels = np.random.default_rng(0).integers(0, 256, (60, 8, 8), np.uint8)
        >>> np.savez("noise.npz", x=pixels, y=np.arange(60) % 2)
        >>> task = lin_ft.load_task("noise.npz", shots=5, size=8)
        >>> results = finetune_several(model, [(task, 0), (task, 1)], FinetuneConfig(steps=5, learning_rates=(0.1,)))
        >>> [len(result.curve) for result in results]
        [5, 5]
    """
    config = config or FinetuneConfig()
    began = time.monotonic()
    pairs = [(rate, decay) for rate in config.learning_rates for decay in config.weight_decays]
    for task, _ in draws:
        _check(task, config, len(pairs))
    if len({task.n_classes for task, _ in draws}) != 1:
        raise InputError("Draws that train together must be of one task: their numbers of classes differ.")
    module = model.module(draws[0][0].n_classes)
    starts = [_start(model, module, task, seed, config) for task, seed in draws]
    frozen = split(starts[0][1], config.trainable)[1]
    points = [Point(place, rate, decay) for place in range(len(draws)) for rate, decay in pairs]
    saving = None
    if checkpoint is not None:
        if checkpoint_every < 1:
            raise InputError(f"checkpoint_every {checkpoint_every}: give at least 1.")
        saving = Saving(Path(checkpoint), _fingerprint(model, draws, config), checkpoint_every)
    steps = config.steps_for(draws[0][0].n)
    with _steps(f"{model.name} on {draws[0][0].name}", steps * len(points), progress) as advance:
        trained = train_grid(
            module, frozen, [draw for draw, _ in starts], points, config,
            devices=local(devices), advance=advance, saving=saving,
        )  # fmt: skip
    results = []
    for place, (task, seed) in enumerate(draws):
        rows = [row for row in trained if row.point.draw == place]
        w0 = starts[place][0].weights if config.network == "linearized" else None
        results.append(_result(model, module, task, seed, rows, frozen, w0, config))
    seconds = time.monotonic() - began
    return [
        row if isinstance(row, DivergedError) else dataclasses.replace(row, seconds=seconds / len(results))
        for row in results
    ]


def _check(task: Task, config: FinetuneConfig, pairs: int) -> None:
    if len(task.validation):
        return
    if pairs > 1:
        raise InputError(
            f"{task.name}: no validation images to choose a learning rate on; give one rate, or fewer shots."
        )
    if config.evaluate_every:
        raise InputError(f"{task.name}: no validation images to look at every {config.evaluate_every} steps.")


def _start(model: ZooModel, module: Any, task: Task, seed: int, config: FinetuneConfig) -> tuple[Draw, Any]:
    """The images of one draw and the weights that training starts from, with the new head."""
    if config.statistics == "target" and not config.updates_statistics:
        model = model.on_target(task.train.images)
    x, y = model.normalise(task.train.images), np.asarray(task.train.labels)
    params = dict(model.variables["params"])
    if config.head == "zero":
        shapes = jax.eval_shape(module.init, jax.random.key(0), x[:1])["params"]["head"]
        params["head"] = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
    else:
        features = features_of(*model.function, x)
        targets = np.eye(task.n_classes, dtype=features.dtype)[y]
        params["head"] = init_head(config.head, features, targets, jax.random.key(seed))
    weights, _ = split(params, config.trainable)
    if config.network == "linearized" and config.head == "zero" and config.trainable != "head":
        logger.info("linearized with the head at zero: nothing but the head can learn; head='random' shows the rest.")
    x_validation = model.normalise(task.validation.images)
    statistics = model.variables.get("batch_stats", {})
    return Draw(x, y, x_validation, np.asarray(task.validation.labels), weights, statistics, seed), params


def _result(
    model: ZooModel,
    module: Any,
    task: Task,
    seed: int,
    rows: list[Trained],
    frozen: Any,
    w0: Any,
    config: FinetuneConfig,
) -> FinetuneResult | DivergedError:
    for row in rows:
        if row.diverged:
            logger.warning("%s on %s: diverged at learning rate %g", model.name, task.name, row.point.learning_rate)
    finished = [row for row in rows if not row.diverged]
    if not finished:
        rates = ", ".join(f"{rate:g}" for rate in config.learning_rates)
        return DivergedError(
            f"{model.name} on {task.name}: diverged at every learning rate ({rates}); give lower ones."
        )
    best = min(finished, key=lambda row: (-row.validation_accuracy, row.validation_loss))
    x_test, y_test = model.normalise(task.test.images), np.asarray(task.test.labels)
    measured = {}
    for row in finished if config.test_every_point else [best]:
        apply = function_of(module, config.network, row.statistics, frozen, w0)
        measured[id(row)] = np.asarray(logits_of(apply, row.weights, x_test)).argmax(-1) == y_test
    correct, of_rate = measured[id(best)], {}
    for row in finished:
        rate = row.point.learning_rate
        of_rate[rate] = max(of_rate.get(rate, 0.0), row.validation_accuracy)
    return FinetuneResult(
        model=model.name,
        task=task.name,
        learning_rate=best.point.learning_rate,
        weight_decay=best.point.weight_decay,
        validation_accuracy=of_rate,
        test_accuracy=float(correct.mean()),
        test_accuracy_interval=bootstrap_interval(correct, seed=seed),
        correct=correct,
        curve=best.curve,
        seconds=0.0,
        grid=tuple(_grid_point(row, measured.get(id(row)), bool(len(task.validation))) for row in rows),
        test_class_counts=tuple(np.bincount(y_test, minlength=task.n_classes).tolist()),
        test_balanced_accuracy=balanced_accuracy(correct.astype(np.float64), y_test),
        test_balanced_accuracy_interval=bootstrap_interval(correct, labels=y_test, seed=seed),
        variables={"params": merge(best.weights, frozen), "batch_stats": best.statistics},
    )


def _grid_point(row: Trained, correct: np.ndarray | None, validated: bool) -> GridPoint:
    return GridPoint(
        learning_rate=row.point.learning_rate,
        weight_decay=row.point.weight_decay,
        diverged=row.diverged,
        step=row.step,
        validation_accuracy=row.validation_accuracy if validated and not row.diverged else None,
        validation_loss=row.validation_loss if validated and not row.diverged else None,
        test_accuracy=None if correct is None else float(correct.mean()),
        curve=row.curve,
        validation_curve=row.validation_curve if not row.diverged else (),
    )


def _fingerprint(model: ZooModel, draws: Sequence[tuple[Task, int]], config: FinetuneConfig) -> dict[str, Any]:
    """Everything that the numbers depend on. `together` too: rounding differs between programs."""
    of_draws = [[task.name, task.shots, task.seed, task.n, task.n_classes, seed] for task, seed in draws]
    return {
        "model": model.name,
        "weights": model.card.sha256,
        "draws": of_draws,
        **{name: value for name, value in dataclasses.asdict(config).items() if name != "seed"},
    }


@contextlib.contextmanager
def _steps(title: str, total: int, progress: bool) -> Iterator[Callable[[int], None]]:
    """A progress bar; call what it yields with the steps taken since the last call."""
    with bar(title, total, left=True, shown=progress) as show:
        done = 0

        def advance(steps: int) -> None:
            nonlocal done
            done += steps
            show(done)

        yield advance
