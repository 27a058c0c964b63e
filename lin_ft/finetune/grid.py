"""Several fine-tunings of one network as one program: learning rates, weight decays and draws mapped by `vmap`.

`train_grid` runs the points in groups. A group is one compiled step for all of its points, over several devices a share
of the points each. The points never see each other: trained together or one by one, each ends alike but for rounding.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float, Int

from lin_ft.errors import InputError
from lin_ft.finetune.batches import batches
from lin_ft.finetune.config import FinetuneConfig
from lin_ft.finetune.networks import State, function_of, start, step_of
from lin_ft.finetune.saving import Saving
from lin_ft.finetune.schedules import factors
from lin_ft.functions import logits_of
from lin_ft.sharding import Devices, map_points
from lin_ft.typing import Params

SHARE_OF_MEMORY = 0.8


@dataclasses.dataclass(frozen=True)
class Draw:
    """Images of one few-shot sample, normalised, and where training on it starts."""

    x: Float[np.ndarray, "n h w 3"]
    y: Int[np.ndarray, " n"]
    x_validation: Float[np.ndarray, "m h w 3"]
    y_validation: Int[np.ndarray, " m"]
    weights: Params
    """Trainable, None where frozen."""
    statistics: Params
    """Of BatchNorm, at the start."""
    seed: int


@dataclasses.dataclass(frozen=True)
class Point:
    """One fine-tuning: a pair of hyper-parameters on one draw."""

    draw: int
    learning_rate: float
    weight_decay: float


@dataclasses.dataclass
class Trained:
    """What one point ended in."""

    point: Point
    weights: Params
    statistics: Params
    step: int
    """After how many steps these weights were taken."""
    validation_accuracy: float
    validation_loss: float
    curve: tuple[float, ...]
    """Training loss of every step."""
    validation_curve: tuple[tuple[int, float, float], ...]
    """(steps done, accuracy, loss) of every look at the validation images."""
    diverged: bool


def train_grid(
    module: nn.Module,
    frozen: Params,
    draws: Sequence[Draw],
    points: Sequence[Point],
    config: FinetuneConfig,
    *,
    devices: Devices,
    advance: Callable[[int], None] = lambda steps: None,
    saving: Saving | None = None,
) -> list[Trained]:
    """Train every point; in the order of the points.

    All draws must have equally many training images of one size. Cost: steps x batch_size forward-and-backward passes a
    point, and forward passes over the validation images at every look.
    """
    if len({draw.x.shape for draw in draws}) > 1:
        shapes = ", ".join(str(draw.x.shape) for draw in draws)
        raise InputError(f"Draws that train together need equal numbers of images; these have the shapes {shapes}.")
    size = config.together or fitting(module, frozen, draws, points, config, devices)
    trained = []
    for first in range(0, len(points), size):
        group = _Group(module, frozen, draws, points[first : first + size], config, devices)
        trained += group.run(advance, saving.of(f"points{first}") if saving else None)
    return trained


def fitting(
    module: nn.Module,
    frozen: Params,
    draws: Sequence[Draw],
    points: Sequence[Point],
    config: FinetuneConfig,
    devices: Devices,
) -> int:
    """How many points to train as one program.

    On a CPU one, since XLA's convolution with a kernel for each point is several times slower than as many single
    ones; all where only the head trains on one draw, since they share the features. Elsewhere as many as fit into the
    free memory of the devices, by XLA's own count for a single point.
    """
    if devices[0].platform == "cpu":
        shared = config.trainable == "head" and not config.updates_statistics and len(draws) == 1
        return len(points) if shared or len(devices) > 1 else 1
    limit = (devices[0].memory_stats() or {}).get("bytes_limit", 0) - (devices[0].memory_stats() or {}).get(
        "bytes_in_use", 0
    )
    draw = draws[0]
    one = start(draw.weights, draw.statistics, config)
    w0 = draw.weights if config.network == "linearized" else None
    size = min(config.batch_size, len(draw.x))
    arguments = (one, frozen, w0, draw.x[:size], draw.y[:size], np.float32(0), np.float32(0))
    needed: Any = jax.jit(step_of(module, config).whole).lower(*arguments).compile().memory_analysis()
    each = needed.temp_size_in_bytes + needed.output_size_in_bytes + needed.argument_size_in_bytes if needed else 0
    fits = int(SHARE_OF_MEMORY * limit / each) if each and limit > 0 else 1
    return max(1, min(len(points), fits * len(devices)))


class _Group:
    """Points trained as one program, and what is known of each: its best weights so far, its curves."""

    def __init__(
        self,
        module: nn.Module,
        frozen: Params,
        draws: Sequence[Draw],
        points: Sequence[Point],
        config: FinetuneConfig,
        devices: Devices,
    ):
        self.module, self.frozen, self.config, self.points = module, frozen, config, points
        self.draws = [draws[point.draw] for point in points]
        self.steps = config.steps_for(len(self.draws[0].x))
        linearized = config.network == "linearized"
        self.w0 = _stack([draw.weights for draw in self.draws]) if linearized else None
        self.one_draw = len({point.draw for point in points}) == 1
        # Mapped: state, w0, rate, decay; the images only where the draws differ.
        axes = (0, None, 0 if linearized else None, *((None,) * 2 if self.one_draw else (0,) * 2), 0, 0)
        step = step_of(module, config)
        self.place, self.step, self.collect = map_points(step.whole, axes, len(points), devices, halves=step.halves)
        state = _stack([start(draw.weights, draw.statistics, config) for draw in self.draws])
        count, looks = len(points), self.steps // config.evaluate_every + 1 if config.evaluate_every else 1
        self.kept: dict[str, Any] = {
            "state": state,
            "best": (state.weights, state.statistics),
            "best_score": np.full((count, 2), np.inf),
            "best_step": np.zeros(count, np.int64),
            "looks": np.zeros(count, np.int64),
            "waited": np.zeros(count, np.int64),
            "curve": np.full((self.steps, count), np.nan),
            "validation": np.full((looks, count, 2), np.nan),
            "done": np.zeros((), np.int64),
        }

    def run(self, advance: Callable[[int], None], saving: Saving | None) -> list[Trained]:
        kept, config, steps = self.kept, self.config, self.steps
        if saving is not None:
            self.kept = kept = saving.restored(kept)
        advance(int(kept["done"]) * len(self.points))
        schedule = factors(config.schedule, steps, config.warmup)
        rates = np.asarray([point.learning_rate for point in self.points], np.float32)
        decays = np.asarray([point.weight_decay for point in self.points], np.float32)
        state, w0, frozen, pending = self.place(State(*kept["state"])), self.place(self.w0), self.frozen, []
        decays = self.place(decays)
        for index, (x, y) in enumerate(self._batches(int(kept["done"])), int(kept["done"])):
            if self._stopped().all():
                break
            if not self.one_draw:
                x, y = self.place((x, y))
            state, loss = self.step(state, frozen, w0, x, y, self.place(rates * schedule[index]), decays)
            pending.append(loss)
            advance(len(self.points))
            done = index + 1
            look = done == steps or (config.evaluate_every and done % config.evaluate_every == 0)
            save = saving is not None and (done == steps or done % saving.every == 0)
            if look or save:
                self._record([self.collect(loss) for loss in pending], done)
                kept["state"], pending = self.collect(state), []
            if look:
                self._look(kept["state"], done)
            if save and saving is not None:
                saving.save(kept, done)
        if self._stopped().all() and saving is not None:
            saving.save(kept, int(kept["done"]))
        advance(len(self.points) * (steps - int(kept["done"])))
        return [self._trained(place) for place in range(len(self.points))]

    def _batches(self, first: int):
        config = self.config

        def of(draw: Draw):
            return batches(
                draw.x, draw.y, batch_size=config.batch_size, steps=self.steps, shift=config.shift, flip=config.flip,
                seed=draw.seed, start=first,
            )  # fmt: skip

        if self.one_draw:
            yield from of(self.draws[0])
            return
        for parts in zip(*(of(draw) for draw in self.draws), strict=True):
            yield np.stack([x for x, _ in parts]), np.stack([y for _, y in parts])

    def _stopped(self) -> np.ndarray:
        patience = self.config.patience
        return self.kept["waited"] >= patience if patience else np.zeros(len(self.points), bool)

    def _record(self, pending: list, done: int) -> None:
        if pending:
            values = np.asarray(jax.device_get(pending), np.float64)
            running = ~self._stopped()
            self.kept["curve"][done - len(values) : done, running] = values[:, running]
        self.kept["done"] = np.asarray(done, np.int64)

    def _look(self, state: State, done: int) -> None:
        """Look at the validation images; without any, the last weights are kept."""
        kept, running = self.kept, ~self._stopped()
        looks = int(kept["looks"].max())
        for place in np.flatnonzero(running).tolist():
            weights, statistics = _take(state.weights, place), _take(state.statistics, place)
            draw, score = self.draws[place], (0.0, 0.0)
            if not _finite((weights, statistics)):
                score = (np.inf, np.inf)
            elif len(draw.x_validation):
                w0 = _take(self.w0, place) if self.w0 is not None else None
                apply = function_of(self.module, self.config.network, statistics, self.frozen, w0)
                accuracy, loss = score_of(np.asarray(logits_of(apply, weights, draw.x_validation)), draw.y_validation)
                score = (-accuracy, loss)
            kept["validation"][looks, place] = -score[0], score[1]
            better = tuple(score) < tuple(kept["best_score"][place]) or not len(draw.x_validation)
            kept["waited"][place] = 0 if better else kept["waited"][place] + 1
            kept["looks"][place] = looks + 1
            if better:
                kept["best_score"][place], kept["best_step"][place] = score, done
                new = (state.weights, state.statistics)
                kept["best"] = jax.tree.map(
                    lambda old, leaf, p=place: jnp.asarray(old).at[p].set(leaf[p]), kept["best"], new
                )

    def _trained(self, place: int) -> Trained:
        kept = self.kept
        weights, statistics = _take(kept["best"], place)
        curve = kept["curve"][:, place]
        ran = int(kept["looks"][place]) * self.config.evaluate_every if self._stopped()[place] else self.steps
        curve = curve[: min(ran, self.steps)]
        every = self.config.evaluate_every or self.steps
        rows = [
            (min((look + 1) * every, self.steps), float(accuracy), float(loss))
            for look, (accuracy, loss) in enumerate(kept["validation"][: int(kept["looks"][place]), place])
        ]
        accuracy, loss = -kept["best_score"][place][0], kept["best_score"][place][1]
        return Trained(
            point=self.points[place],
            weights=weights,
            statistics=statistics,
            step=int(kept["best_step"][place]),
            validation_accuracy=float(accuracy),
            validation_loss=float(loss),
            curve=tuple(curve.tolist()),
            validation_curve=tuple(rows) if len(self.draws[place].x_validation) else (),
            diverged=not (np.isfinite(curve).all() and np.isfinite(accuracy) and _finite((weights, statistics))),
        )


def score_of(logits: Float[np.ndarray, "n C"], labels: np.ndarray) -> tuple[float, float]:
    """Accuracy and mean cross-entropy."""
    loss = optax.softmax_cross_entropy_with_integer_labels(jnp.asarray(logits), jnp.asarray(labels)).mean()
    return float((logits.argmax(-1) == labels).mean()), float(loss)


def _stack(trees: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *leaves: np.stack([np.asarray(leaf) for leaf in leaves]), *trees)


def _take(tree: Any, place: int) -> Any:
    return jax.tree.map(lambda leaf: leaf[place], tree)


def _finite(tree: Any) -> bool:
    return all(np.isfinite(np.asarray(leaf)).all() for leaf in jax.tree.leaves(tree))
