"""Pre-training of zoo entries: one network from scratch on one source, resumable, ending in weights and a card."""

import dataclasses
import functools
import hashlib
import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float, Shaped, UInt8

from lin_ft.autodiff.split_gradient import value_and_grad
from lin_ft.errors import InputError
from lin_ft.files.progress import bar
from lin_ft.functions import from_linen, logits_of
from lin_ft.provenance import commit, device
from lin_ft.zoo.architectures import architecture
from lin_ft.zoo.card import ModelCard, save_card
from lin_ft.zoo.recipe import Recipe, averaged_epochs, check_cycles, cycle_of, cycle_starts, first_beside
from lin_ft.zoo.slices import load_entry
from lin_ft.zoo.teachers import snapshot_files, taught_targets
from lin_ft.zoo.weights import load_weights, save_weights

logger = logging.getLogger(__name__)


def batches(
    images: UInt8[np.ndarray, "n h w 3"], labels: Shaped[np.ndarray, "n *_"], recipe: Recipe, epoch: int
) -> Iterator[tuple[Float[np.ndarray, "b size size 3"], Shaped[np.ndarray, "b *_"]]]:
    """Shuffled, augmented batches of one epoch, pixels in [0, 1]; a function of (recipe.seed, epoch) alone."""
    rng = np.random.Generator(np.random.Philox(key=[recipe.seed, epoch]))
    order = rng.permutation(len(images))
    cycle = cycle_of(recipe, epoch)
    crop_epochs, shift = recipe.epochs - recipe.full_epochs, recipe.shift
    if cycle:
        restart = recipe.restarts[cycle - 1]
        crop_epochs, shift = restart.crop_epochs, restart.shift
    full = epoch - cycle_starts(recipe)[cycle] >= crop_epochs
    side = images.shape[1] if full else recipe.crop
    shift = shift if full else 0
    pad = ((0, 0), (shift, shift), (shift, shift), (0, 0))
    for start in range(0, len(order) - recipe.batch_size + 1, recipe.batch_size):
        index = order[start : start + recipe.batch_size]
        source = np.pad(images[index], pad, mode="edge")
        room = source.shape[1] - side + 1
        batch = np.empty((len(index), side, side, 3), np.float32)
        for row, (top, left) in enumerate(rng.integers(0, room, (len(index), 2))):
            batch[row] = source[row, top : top + side, left : left + side]
        if recipe.flip:
            mirrored = rng.random(len(index)) < 0.5
            batch[mirrored] = batch[mirrored, :, ::-1]
        yield batch / 255, labels[index]


def _schedule(recipe: Recipe, steps_per_epoch: int) -> optax.Schedule:
    n_steps = recipe.epochs * steps_per_epoch
    warmup = max(1, int(recipe.warmup * n_steps))
    peak = recipe.learning_rate if recipe.warmup_peak is None else recipe.warmup_peak
    climb = optax.linear_schedule(0.0, peak, warmup)
    decay = optax.cosine_decay_schedule(recipe.learning_rate, n_steps - warmup)
    return optax.join_schedules([climb, decay], [warmup])


def _optimizers(recipe: Recipe, steps_per_epoch: int) -> list[optax.GradientTransformation]:
    """One optimizer a cycle."""

    def is_kernel(params):
        return jax.tree_util.tree_map_with_path(lambda path, _: path[-1].key == "kernel", params)

    def optimizer(weight_decay: float, schedule: optax.Schedule) -> optax.GradientTransformation:
        return optax.chain(
            optax.add_decayed_weights(weight_decay, mask=is_kernel),
            optax.sgd(schedule, momentum=recipe.momentum, nesterov=True),
        )

    first = optimizer(recipe.weight_decay, _schedule(recipe, steps_per_epoch))
    return [first] + [
        optimizer(
            restart.weight_decay,
            optax.cosine_decay_schedule(restart.learning_rate, restart.epochs * steps_per_epoch, restart.final_rate),
        )
        for restart in recipe.restarts
    ]


def train(recipe: Recipe, out: str | Path, *, command: str = "", progress: bool = True) -> ModelCard:
    """Train `recipe`, write `<out>/<entry>.safetensors` and `<out>/<entry>.json`, return the card.

    After every epoch the whole state goes to `<out>/.<entry>.state.safetensors`; called again, training goes on
    from there and ends in the same weights as an uninterrupted run.
    """
    from lin_ft.data import load_split

    check_cycles(recipe)
    build = architecture(recipe.architecture)
    out = Path(out)
    training, test = load_split(recipe.source, "train"), load_split(recipe.source, "test")
    images, labels = training.images, np.asarray(training.labels)
    pixels = images.reshape(-1, 3).astype(np.float64) / 255
    mean, std = pixels.mean(0).astype(np.float32), np.maximum(pixels.std(0), 1e-3).astype(np.float32)
    module = build(len(training.class_names))
    variables = module.init(jax.random.key(recipe.seed), jnp.zeros((1, *images.shape[1:])))
    steps_per_epoch = len(images) // recipe.batch_size
    cycles, starts = _optimizers(recipe, steps_per_epoch), cycle_starts(recipe)
    n_epochs, snapshots = starts[-1], snapshot_files(recipe, out)

    def loss(params, statistics, x, y):
        logits, updated = module.apply(
            {"params": params, "batch_stats": statistics}, x, train=True, mutable=["batch_stats"]
        )
        if y.ndim == 1:
            value, labels = optax.softmax_cross_entropy_with_integer_labels(logits, y).mean(), y
        else:
            value, labels = optax.softmax_cross_entropy(logits, y).mean(), y.argmax(-1)
        return value, (updated["batch_stats"], (logits.argmax(-1) == labels).mean())

    gradient_of = value_and_grad(loss)

    @functools.partial(jax.jit, static_argnums=0)
    def moved(cycle, gradient, state, params):
        updates, state = cycles[cycle].update(gradient, state, params)
        return optax.apply_updates(params, updates), state

    def fitted(epoch, params, statistics):
        """The norms' statistics for the weights after `epoch` epochs."""
        if not recipe.statistics_images:
            return statistics
        rng = np.random.Generator(np.random.Philox(key=[recipe.seed, epoch]))
        chosen = rng.permutation(len(images))[: recipe.statistics_images]
        return _exact_statistics(module, params, statistics, (images[chosen] / np.float32(255) - mean) / std)

    def step(cycle, params, statistics, state, x, y):
        (value, (statistics, accuracy)), gradient = gradient_of(params, statistics, x, y)
        params, state = moved(cycle, gradient, state, params)
        return params, statistics, state, value, accuracy

    params, statistics = variables["params"], variables["batch_stats"]
    if recipe.start:
        given = load_entry(recipe.start)
        check_trunk(recipe.start, given, variables)
        params, statistics = {**given["params"], "head": params["head"]}, given["batch_stats"]
    state = cycles[0].init(params)
    averaged = params if any(restart.average for restart in recipe.restarts) else {}
    leaves, treedef = jax.tree.flatten((params, statistics, state, averaged))
    checkpoint = out / f".{recipe.entry}.state.safetensors"
    first_epoch, seconds = 0, 0.0
    if checkpoint.exists():
        like = {f"{index:04d}": np.asarray(leaf) for index, leaf in enumerate(leaves)}
        like |= {"epoch": np.zeros((1,)), "seconds": np.zeros((1,))}
        saved = load_weights(checkpoint, like)
        first_epoch, seconds = int(saved.pop("epoch")[0]), float(saved.pop("seconds")[0])
        leaves = [jnp.asarray(saved[f"{index:04d}"]) for index in range(len(leaves))]
        params, statistics, state, averaged = jax.tree.unflatten(treedef, leaves)
        logger.info("%s: going on after epoch %d", recipe.entry, first_epoch)

    with bar(recipe.entry, n_epochs, left=True, first=first_epoch, shown=progress) as show:
        targets = labels
        for epoch in range(first_epoch, n_epochs):
            cycle = cycle_of(recipe, epoch)
            if epoch == starts[cycle]:
                if (first := first_beside(recipe, cycle)) < cycle:
                    begin = load_entry(str(snapshots[first - 1]))
                    params, statistics = begin["params"], begin["batch_stats"]
                state = cycles[cycle].init(params)
            start, values = time.monotonic(), []
            if epoch in (first_epoch, starts[cycle]):
                targets = taught_targets(recipe, cycle, snapshots, module, images, labels, mean, std)
            share = recipe.batch_size / len(images)  # of an epoch, a batch
            for index, (x, y) in enumerate(batches(images, targets, recipe, epoch), 1):
                params, statistics, state, value, accuracy = step(cycle, params, statistics, state, (x - mean) / std, y)
                values.append((float(value), float(accuracy)))
                show(epoch + index * share)
            seconds += time.monotonic() - start
            mean_loss, mean_accuracy = np.mean(values, 0)
            if not np.isfinite(mean_loss):
                raise InputError(f"{recipe.entry}: training diverged in epoch {epoch + 1}; lower learning_rate.")
            logger.info(
                "%s: epoch %d/%d loss %.4f training accuracy %.4f (%.0f s)",
                recipe.entry, epoch + 1, n_epochs, mean_loss, mean_accuracy, seconds,
            )  # fmt: skip
            if count := averaged_epochs(recipe, epoch):
                averaged = optax.incremental_update(params, averaged, 1 / count)
                params = averaged if epoch + 1 in starts else params
            if cycle in snapshots and epoch + 1 == starts[cycle + 1]:
                save_weights(snapshots[cycle], {"params": params, "batch_stats": fitted(epoch + 1, params, statistics)})
            leaves = jax.tree.leaves((params, statistics, state, averaged))
            saved = {f"{index:04d}": np.asarray(leaf) for index, leaf in enumerate(leaves)}
            save_weights(checkpoint, saved | {"epoch": np.array([epoch + 1.0]), "seconds": np.array([seconds])})

    variables = {"params": params, "batch_stats": fitted(n_epochs, params, statistics)}
    logits = logits_of(*from_linen(module, variables), (test.images.astype(np.float32) / 255 - mean) / std)
    accuracy = float((logits.argmax(-1) == test.labels).mean())
    weights = out / f"{recipe.entry}.safetensors"
    save_weights(weights, variables)
    card = ModelCard(
        name=recipe.entry,
        architecture=recipe.architecture,
        source=recipe.source,
        domain=recipe.domain,
        class_names=tuple(training.class_names),
        image_size=images.shape[1],
        mean=tuple(float(value) for value in mean),
        std=tuple(float(value) for value in std),
        n_params=sum(leaf.size for leaf in jax.tree.leaves(params)),
        n_train=len(images),
        n_test=len(test.images),
        test_accuracy=accuracy,
        licence=recipe.licence,
        command=command,
        commit=commit(),
        hardware=device(),
        seconds=round(seconds, 1),
        seed=recipe.seed,
        recipe=json.loads(json.dumps(dataclasses.asdict(recipe))),
        sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
    )
    save_card(out / f"{recipe.entry}.json", card)
    for path in (checkpoint, *snapshots.values()):
        path.unlink(missing_ok=True)
    logger.info("%s: test accuracy %.4f on %d images", recipe.entry, accuracy, len(test.images))
    return card


def check_trunk(path: str, given: Any, variables: Any) -> None:
    """Raises InputError where the weights of a file, but for the head, are not those of the architecture."""

    def shapes(tree: Any) -> Any:
        trunk = {name: leaf for name, leaf in tree["params"].items() if name != "head"}
        return jax.tree.map(jnp.shape, {"params": trunk, "batch_stats": tree["batch_stats"]})

    if {"params", "batch_stats"} - given.keys() or shapes(given) != shapes(variables):
        raise InputError(f"start {path!r}: its weights are not of this architecture; name another file.")


def _exact_statistics(module: Any, params: Any, statistics: Any, x: Float[np.ndarray, "n h w 3"]) -> Any:
    """Mean and variance of every normalisation layer over x, averaged over batches of 500 at fixed weights.

    One update of the moving average gives s1 = m s0 + (1 - m) s with s that of the batch and m the layer's momentum;
    from s0 = 0 and from s0 = 1 both s and m follow, whatever m is.
    """

    @jax.jit
    def batch_statistics(x):
        def after(start):
            initial = jax.tree.map(lambda leaf: jnp.full_like(leaf, start), statistics)
            return module.apply({"params": params, "batch_stats": initial}, x, train=True, mutable=["batch_stats"])[1][
                "batch_stats"
            ]

        return jax.tree.map(lambda zero, one: zero / (1 - (one - zero)), after(0.0), after(1.0))

    starts = range(0, max(1, len(x) - 499), 500)
    parts = [batch_statistics(x[start : start + 500]) for start in starts]
    return jax.tree.map(lambda *leaves: sum(leaves) / len(leaves), *parts)
