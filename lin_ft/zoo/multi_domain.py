"""One network trained on several domains at once; each domain's slice becomes a zoo entry like any other.

What the domains share and what each has of its own (paper, section 4, table 2):
- `shared`: one trunk, statistics included; a head for each domain.
- `multi_bn`: shared convolutions; BatchNorm (scale, bias, statistics) and head for each domain.
- `adapters`: shared 3x3 convolutions; 1x1 adapters beside them, BatchNorm and head for each domain.
An "expert" is a trunk of these, trained on for one domain: a `Recipe` with `start`.
"""

import dataclasses
import hashlib
import json
import logging
import re
import runpy
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lin_ft.autodiff.split_gradient import value_and_grad
from lin_ft.errors import InputError
from lin_ft.files.progress import bar
from lin_ft.functions import from_linen, head_logits, logits_of
from lin_ft.provenance import commit, device
from lin_ft.trainable import merge, split
from lin_ft.zoo.architectures import architecture
from lin_ft.zoo.card import ModelCard
from lin_ft.zoo.recipe import Recipe
from lin_ft.zoo.slices import save_slices
from lin_ft.zoo.train import batches
from lin_ft.zoo.weights import load_weights, save_weights

logger = logging.getLogger(__name__)

_NORM, _ADAPTER = re.compile(r"norm[^/]*/"), re.compile(r"/adapter\d/")
OWN = {
    "shared": lambda path: False,
    "multi_bn": lambda path: bool(_NORM.search(path)),
    "adapters": lambda path: bool(_NORM.search(path) or _ADAPTER.search(path)),
}
"""Family -> whether each domain has a weight of the trunk, given its path, to itself."""


@dataclasses.dataclass(frozen=True)
class Domain:
    """One data set of a multi-domain network."""

    source: str
    """A packaged data set, TFDS name, folder or .npz."""
    domain: str = ""
    licence: str = ""
    flip: bool = False
    """Random mirror images (for photographs, not for writing)."""
    name: str = ""
    """What the entry is called after; default: the source."""

    @property
    def label(self) -> str:
        """What the domain is called."""
        return self.name or self.source


@dataclasses.dataclass(frozen=True)
class MultiDomainRecipe:
    """SGD with Nesterov momentum, linear warm-up, then cosine decay to zero; every step sees every domain alike.

    A step takes `batch_size` images of each domain, so small sources come round more often than large ones. As in
    `Recipe`, most steps see crops and the last `full_steps` whole images.
    """

    family: str
    """shared, multi_bn or adapters."""
    domains: tuple[Domain, ...]
    steps: int = 6000
    full_steps: int = 1000
    batch_size: int = 16
    crop: int = 24
    shift: int = 2
    learning_rate: float = 0.05
    momentum: float = 0.9
    weight_decay: float = 3e-4
    """Of kernels; norms and biases are exempt."""
    warmup: float = 0.1
    checkpoint_every: int = 200
    seed: int = 0

    def __post_init__(self):
        if self.family not in OWN:
            raise InputError(f"family {self.family!r}: unknown; one of {', '.join(OWN)}.")
        labels = [domain.label for domain in self.domains]
        if len(labels) < 2 or len(set(labels)) < len(labels):
            raise InputError(f"domains {', '.join(labels)}: give at least two, each once.")
        if not (0 <= self.full_steps <= self.steps and self.steps >= 1 and self.batch_size >= 2):
            raise InputError(
                f"steps {self.steps}, full_steps {self.full_steps}, batch_size {self.batch_size}: too few."
            )
        if self.checkpoint_every < 1:
            raise InputError(f"checkpoint_every {self.checkpoint_every}: give at least 1.")

    @property
    def architecture(self) -> str:
        """The network of the family: with adapters, or without."""
        return "resnet20_adapters" if self.family == "adapters" else "resnet20"

    def entry(self, domain: Domain) -> str:
        """Name of the zoo entry of one domain."""
        return f"{domain.label}-{self.family}"


def train_multi_domain(
    recipe: MultiDomainRecipe, out: str | Path, *, command: str = "", progress: bool = True
) -> list[ModelCard]:
    """Train, then write every domain's slice to `out`, weights (`save_slices`) and card; the cards, as the domains.

    The loss is the mean over domains, but a weight that one domain has to itself is moved by the whole gradient of
    that domain's loss. Every `checkpoint_every` steps the state goes to `out/.multi-FAMILY.state.safetensors`; called
    again, training goes on from there and ends in the same weights as an uninterrupted run.
    Cost: steps x domains x batch_size forward-and-backward passes.
    """
    from lin_ft.data import load_split

    out, began = Path(out), time.monotonic()
    splits = [load_split(domain.source, "train") for domain in recipe.domains]
    for domain, data in zip(recipe.domains, splits, strict=True):
        if len(data) < recipe.batch_size:
            raise InputError(f"{domain.label}: {len(data)} training images, fewer than a batch of {recipe.batch_size}.")
    pixels = [_statistics(data.images) for data in splits]
    build = architecture(recipe.architecture)
    module = build(1)
    streams = [_stream(recipe, place, data, *pixels[place]) for place, data in enumerate(splits)]
    weights, statistics = _start(recipe, build, [len(data.class_names) for data in splits], splits[0].images)
    own = recipe.family != "shared"
    optimizer = _optimizer(recipe)
    state = optimizer.init(weights)
    step = _step(module, optimizer, own, len(splits))
    checkpoint = out / f".multi-{recipe.family}.state.safetensors"
    fingerprint = int(hashlib.sha256(json.dumps(dataclasses.asdict(recipe)).encode()).hexdigest()[:8], 16)
    leaves, structure = jax.tree.flatten((weights, statistics, state))
    first, seconds = 0, 0.0
    if checkpoint.exists():
        like = {f"{index:04d}": np.asarray(leaf) for index, leaf in enumerate(leaves)} | {"about": np.zeros(3)}
        saved = load_weights(checkpoint, like)
        first, seconds, found = int(saved["about"][0]), float(saved["about"][1]), int(saved["about"][2])
        if found != fingerprint:
            raise InputError(f"{checkpoint}: belongs to another recipe; remove it, or give another folder.")
        leaves = [jnp.asarray(saved[f"{index:04d}"]) for index in range(len(leaves))]
        weights, statistics, state = jax.tree.unflatten(structure, leaves)
        logger.info("%s: going on after step %d", recipe.family, first)
    title = f"{recipe.family}, {len(splits)} domains"
    with bar(title, recipe.steps, left=True, first=first, shown=progress) as show:
        batches_of = [stream(first) for stream in streams]
        for index in range(first, recipe.steps):
            parts = [next(stream) for stream in batches_of]
            x, y = (np.stack([part[axis] for part in parts]) for axis in (0, 1))
            weights, statistics, state, losses = step(weights, statistics, state, x, y)
            show(index + 1)
            if (index + 1) % recipe.checkpoint_every == 0 or index + 1 == recipe.steps:
                if not np.isfinite(np.asarray(losses)).all():
                    raise InputError(f"{recipe.family}: training diverged by step {index + 1}; lower learning_rate.")
                spent = seconds + time.monotonic() - began
                leaves = jax.tree.leaves((weights, statistics, state))
                saved = {f"{place:04d}": np.asarray(leaf) for place, leaf in enumerate(leaves)}
                save_weights(checkpoint, saved | {"about": np.array([index + 1, spent, fingerprint], np.float64)})
                each = ", ".join(f"{d.label} {v:.2f}" for d, v in zip(recipe.domains, losses.tolist(), strict=True))
                logger.info("%s: step %d/%d loss %s", recipe.family, index + 1, recipe.steps, each)
    seconds += time.monotonic() - began
    slices = [
        _slice(recipe, place, weights, statistics, splits[place], pixels[place], command, seconds)
        for place in range(len(splits))
    ]
    cards = save_slices(out, f"{recipe.family}-trunk.safetensors", slices)
    checkpoint.unlink(missing_ok=True)
    return cards


def slice_of(weights: dict[str, Any], statistics: Any, place: int, own: bool) -> dict[str, Any]:
    """{"params", "batch_stats"} of one domain's network, as any other of its architecture."""

    def take(tree: Any) -> Any:
        return jax.tree.map(lambda leaf: leaf[place], tree)

    trunk = merge(take(weights["own"]), weights["shared"])
    return {
        "params": {**trunk, "head": weights["heads"][place]},
        "batch_stats": take(statistics) if own else statistics,
    }


def _start(recipe: MultiDomainRecipe, build: Any, classes: list[int], images: np.ndarray) -> tuple[dict[str, Any], Any]:
    """weights = {"shared": one trunk, "own": (D, ...) leaves, "heads": one a domain}; each with None for the others."""
    image = jnp.zeros((1, *images.shape[1:]))
    keys = jax.random.split(jax.random.key(recipe.seed), len(classes))
    variables = [build(count).init(key, image) for count, key in zip(classes, keys, strict=True)]
    trunk = {name: leaf for name, leaf in variables[0]["params"].items() if name != "head"}
    owns = OWN[recipe.family]
    n_domains = len(classes)

    def repeated(tree: Any) -> Any:
        return jax.tree.map(lambda leaf: jnp.stack([leaf] * n_domains), tree)

    if recipe.family == "shared":
        own, shared = jax.tree.map(lambda leaf: None, trunk), trunk
        statistics = variables[0]["batch_stats"]
    else:
        own, shared = split(trunk, owns)
        own, statistics = repeated(own), repeated(variables[0]["batch_stats"])
    heads = [each["params"]["head"] for each in variables]
    return {"shared": shared, "own": own, "heads": heads}, statistics


def _optimizer(recipe: MultiDomainRecipe) -> optax.GradientTransformation:
    warmup = max(1, int(recipe.warmup * recipe.steps))
    rate = optax.warmup_cosine_decay_schedule(0, recipe.learning_rate, warmup, max(recipe.steps, warmup + 1))

    def kernels(params: Any) -> Any:
        return jax.tree_util.tree_map_with_path(lambda path, _: path[-1].key == "kernel", params)

    return optax.chain(
        optax.add_decayed_weights(recipe.weight_decay, mask=kernels),
        optax.sgd(rate, momentum=recipe.momentum, nesterov=True),
    )


def _step(module: Any, optimizer: optax.GradientTransformation, own: bool, n_domains: int):
    def features(shared: Any, own_one: Any, statistics: Any, x: Any) -> Any:
        variables = {"params": merge(own_one, shared), "batch_stats": statistics}
        phi, updated = module.apply(variables, x, train=True, mutable=["batch_stats"], method="features")
        return phi, updated["batch_stats"]

    def loss(weights: Any, statistics: Any, x: Any, y: Any) -> Any:
        if own:  # convolutions with shared kernels see one long batch, norms a batch for each domain
            phi, statistics = jax.vmap(features, (None, 0, 0, 0))(weights["shared"], weights["own"], statistics, x)
        else:
            phi, statistics = features(weights["shared"], weights["own"], statistics, x.reshape((-1, *x.shape[2:])))
            phi = phi.reshape((n_domains, -1, phi.shape[-1]))
        logits = [head_logits(head, phi[place]) for place, head in enumerate(weights["heads"])]
        losses = jnp.stack(
            [
                optax.softmax_cross_entropy_with_integer_labels(rows, y[place]).mean()
                for place, rows in enumerate(logits)
            ]
        )
        return losses.mean(), (statistics, losses)

    gradient_of = value_and_grad(loss)

    @jax.jit
    def moved(gradient: Any, state: Any, weights: Any) -> Any:
        # d(mean over domains) of what one domain has to itself is 1/D of the gradient of that domain's loss
        gradient |= {name: jax.tree.map(lambda leaf: n_domains * leaf, gradient[name]) for name in ("own", "heads")}
        updates, state = optimizer.update(gradient, state, weights)
        return optax.apply_updates(weights, updates), state

    def step(weights: Any, statistics: Any, state: Any, x: Any, y: Any) -> Any:
        (_, (statistics, losses)), gradient = gradient_of(weights, statistics, x, y)
        weights, state = moved(gradient, state, weights)
        return weights, statistics, state, losses

    return step


def _stream(recipe: MultiDomainRecipe, place: int, data: Any, mean: np.ndarray, std: np.ndarray):
    """stream(first) -> normalised batches of steps first, first + 1, ...; a function of the step alone."""
    labels = np.asarray(data.labels)
    settings = Recipe(
        source=data.name, batch_size=recipe.batch_size, crop=recipe.crop, shift=recipe.shift,
        flip=recipe.domains[place].flip, seed=recipe.seed + 1000 * place, epochs=10**9, full_epochs=0,
    )  # fmt: skip
    whole = dataclasses.replace(settings, full_epochs=10**9)
    each = len(labels) // recipe.batch_size

    def stream(first: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        step = first
        while step < recipe.steps:
            full = step >= recipe.steps - recipe.full_steps
            epoch, skipped = divmod(step, each)
            for index, (x, y) in enumerate(batches(data.images, labels, whole if full else settings, epoch)):
                if index < skipped:
                    continue
                yield (x - mean) / std, y
                step += 1
                if step == recipe.steps:
                    return
                if not full and step == recipe.steps - recipe.full_steps:
                    break

    return stream


def _statistics(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    pixels = images.reshape(-1, 3).astype(np.float64) / 255
    return pixels.mean(0).astype(np.float32), np.maximum(pixels.std(0), 1e-3).astype(np.float32)


def _slice(
    recipe: MultiDomainRecipe,
    place: int,
    weights: dict[str, Any],
    statistics: Any,
    training: Any,
    pixels: tuple[np.ndarray, np.ndarray],
    command: str,
    seconds: float,
) -> tuple[ModelCard, dict[str, Any]]:
    """One domain's network, measured: card and variables."""
    from lin_ft.data import load_split

    domain, (mean, std) = recipe.domains[place], pixels
    variables = slice_of(weights, statistics, place, recipe.family != "shared")
    module = architecture(recipe.architecture)(len(training.class_names))
    test = load_split(domain.source, "test")
    logits = logits_of(*from_linen(module, variables), (test.images.astype(np.float32) / 255 - mean) / std)
    one = [leaf[0] for leaf in jax.tree.leaves(weights["own"])]
    moments = sum(leaf[0].size for leaf in jax.tree.leaves(statistics)) if recipe.family != "shared" else 0
    counts = {
        "shared_params": sum(leaf.size for leaf in jax.tree.leaves(weights["shared"])),
        "own_params": sum(leaf.size for leaf in one),
        "own_bytes": 4 * (sum(leaf.size for leaf in one) + moments),
    }
    card = ModelCard(
        name=recipe.entry(domain),
        architecture=recipe.architecture,
        source=domain.label,
        domain=domain.domain,
        class_names=tuple(training.class_names),
        image_size=training.images.shape[1],
        mean=tuple(float(value) for value in mean),
        std=tuple(float(value) for value in std),
        n_params=sum(leaf.size for leaf in jax.tree.leaves(variables["params"])),
        n_train=len(training),
        n_test=len(test),
        test_accuracy=float((logits.argmax(-1) == test.labels).mean()),
        licence=domain.licence,
        command=command,
        commit=commit(),
        hardware=device(),
        seconds=round(seconds, 1),
        seed=recipe.seed,
        recipe=json.loads(json.dumps(dataclasses.asdict(recipe))) | counts,
    )
    logger.info("%s: test accuracy %.4f on %d images", card.name, card.test_accuracy, len(test))
    return card, variables


def load_multi_domain(path: str | Path) -> MultiDomainRecipe | None:
    """The `config` of a Python file where it is a MultiDomainRecipe (run as code: only use files you trust)."""
    if not Path(path).is_file():
        return None
    try:
        config = runpy.run_path(str(path)).get("config")
    except InputError:
        raise
    except Exception:
        return None  # load_recipe says what is wrong with the file
    return config if isinstance(config, MultiDomainRecipe) else None
