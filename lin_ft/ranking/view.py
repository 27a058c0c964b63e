"""A model on a task: what the model sees of the training images, each part computed once, when first asked for."""

import dataclasses
import functools
import inspect
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import jax
import numpy as np
from jaxtyping import Float, Int, UInt8

from lin_ft.data import Task
from lin_ft.data.copies import digest
from lin_ft.errors import InputError
from lin_ft.files.free_memory import free_memory
from lin_ft.functions import ModelFunction
from lin_ft.kernels import probe_gram, sketched_features
from lin_ft.predict import (
    Prediction,
    PrimalSpectrum,
    Spectrum,
    decompose,
    decompose_features,
    matchings,
    select,
)
from lin_ft.ranking.config import MANY, RankConfig
from lin_ft.scores import encode
from lin_ft.spectra import KernelSpectrum, spectrum_of, spectrum_of_features
from lin_ft.trainable import split
from lin_ft.typing import Params
from lin_ft.zoo import ZooModel
from lin_ft.zoo.feature_cache import cached_features

_View = TypeVar("_View", bound="View")


class Part:
    """A property of a View, computed once for each value of the `settings` (fields of RankConfig) it depends on."""

    def __init__(self, make: Callable[[Any], Any], settings: tuple[str, ...]):
        self.make, self.settings, self.name = make, settings, make.__name__
        functools.update_wrapper(self, make)  # pyright: ignore[reportArgumentType]

    def key(self, config: RankConfig) -> tuple[Any, ...]:
        """Under which the value is kept: equal where all settings it depends on are."""
        return (self.name, *(getattr(config, setting) for setting in self.settings))

    def __get__(self, view: Any, owner: type | None = None) -> Any:
        if view is None:
            return self
        key = self.key(view.config)
        if key not in view.made:
            began, before = time.monotonic(), _total(view.made)
            value = self.make(view)
            view.made[key] = value, time.monotonic() - began - (_total(view.made) - before)
        return view.made[key][0]

    def __set__(self, view: Any, value: Any) -> None:
        raise AttributeError(f"{self.name} is computed; another setting is another view: view.under(...)")


def _total(made: dict[Any, tuple[Any, float]]) -> float:
    return sum((seconds for _, seconds in made.values()), 0.0)


if TYPE_CHECKING:  # to a type checker a part is an ordinary cached property

    def part(*settings: str) -> type[functools.cached_property]:
        """Make a method of a View one of its parts; name the fields of RankConfig that it depends on."""
        ...
else:

    def part(*settings):
        """Make a method of a View one of its parts; name the fields of RankConfig that it depends on.

        Examples:
            >>> import numpy as np
            >>> from lin_ft.ranking import View, part
            >>> class Mine(View):
            ...     @part("head")  # computed once for each head
            ...     def norms(self):
            ...         return np.linalg.norm(self.features, axis=1)
            >>> sorted(name for name in vars(Mine) if not name.startswith("_"))
            ['norms']
        """
        return lambda make: Part(make, settings)


@dataclasses.dataclass(frozen=True, eq=False)
class View:
    """A model on a task, under the settings of a RankConfig. Every part is computed when first asked for, and kept.

        view = View(model, task, RankConfig(probes=4))
        view.features, view.kernel, view.spectrum, view.under(head="zero").kernel

    It looks at the training images only. A further part is a method under `part`, which names the fields of RankConfig
    that it depends on; views that come from one another by `under` share whatever does not depend on what differs.
    """

    model: ZooModel
    task: Task
    config: RankConfig = dataclasses.field(default_factory=RankConfig)
    made: dict[tuple[Any, ...], tuple[Any, float]] = dataclasses.field(default_factory=dict, repr=False)
    """What was computed, and in how many seconds (without those of the parts that it asked for)."""

    def under(self: _View, **settings: Any) -> _View:
        """The same model and task under other settings."""
        return dataclasses.replace(self, config=dataclasses.replace(self.config, **settings))

    @property
    def spent(self) -> dict[str, float]:
        """Seconds of each part of this view that was computed."""
        parts = (
            each for each in map(functools.partial(inspect.getattr_static, self), dir(self)) if isinstance(each, Part)
        )
        return {each.name: self.made[key][1] for each in parts if (key := each.key(self.config)) in self.made}

    @part("statistics")
    def network(self) -> ZooModel:
        """The model where it is linearized.

        With its own batch statistics or, re-estimated, those of the training images. Cost: nothing, or one forward
        pass.
        """
        return self.model if self.config.statistics == "source" else self.model.on_target(self.task.train.images)

    @property
    def function(self) -> tuple[ModelFunction, Params]:
        """(apply, params) with the head of the source; no part depends on that head."""
        return self.network.function

    @part()
    def labels(self) -> Int[np.ndarray, " n"]:
        """Of the training images, 0 .. C - 1."""
        return np.asarray(self.task.train.labels)

    @part()
    def x(self) -> Float[np.ndarray, "n h w 3"]:
        """The training images as the network takes them."""
        return self.model.normalise(self.task.train.images)

    @part()
    def targets(self) -> Float[np.ndarray, "n C"]:
        """Y: one-hot minus 1 / C.

        Minus a constant and not the class frequencies: these would tell leave-one-out the label that it leaves out.
        """
        return encode(self.labels, self.task.n_classes) - 1 / self.task.n_classes

    @part("statistics")
    def features(self) -> Float[np.ndarray, "n d"]:
        """phi, penultimate features. Cost: one forward pass, none where they are in the cache folder."""
        return np.asarray(cached_features(self.network, self.task.train.images))

    @property
    def sketched(self) -> bool:
        """Whether the kernel is had as features, `sketch`, and everything after it in the primal: linear in n."""
        config = self.config
        return config.kernel == "sketch" or (config.kernel == "auto" and self.task.n > MANY)

    @property
    def head_columns(self) -> int:
        """Of the sketch, the last: phi and 1, as far as the head trains."""
        head = split(self.function[1], self.config.trainable)[0]["head"]
        return (self.features.shape[1] if head["kernel"] is not None else 0) + (head.get("bias") is not None)

    @part("head", "probes", "trainable", "seed", "statistics", "dimension")
    def sketch(self) -> Float[np.ndarray, "n m"]:
        """Z with Z Zᵀ the kernel.

        Exactly [phi, 1] where the kernel is that of the features, else `sketched_features`: gradients of `probes`
        combinations projected to `dimension` numbers, and [phi, 1].

        Cost: `probes` forward-and-backward passes for each image. Memory: n m numbers of 4 bytes.
        """
        config = self.config
        if config.head == "zero" or config.trainable == "head":
            return np.concatenate([self.features, np.ones((self.task.n, 1), self.features.dtype)], axis=1)
        if config.dimension < self.task.n_classes:
            raise InputError(
                f"dimension {config.dimension}: a sketch cannot tell {self.task.n_classes} classes apart by fewer"
                f" numbers; give at least {self.task.n_classes}."
            )
        return self._sketch(self.x, self.features)

    def _sketch(self, x: np.ndarray, phi: np.ndarray) -> Float[np.ndarray, "m k"]:
        config = self.config
        return sketched_features(
            *self.function, x, dimension=config.dimension, probes=config.probes, key=jax.random.key(config.seed),
            trainable=config.trainable, features=phi,
        )  # fmt: skip

    @part("head", "probes", "trainable", "seed", "statistics", "kernel", "dimension")
    def kernel(self) -> Float[np.ndarray, "n n"]:
        """K with Theta approximated by K ⊗ I_C.

        phi phiᵀ + 1 under a zero head or where the head alone trains, else `probe_gram`, in expectation over random
        heads.

        Cost: that of the features, or `probes` forward-and-backward passes for each image.

        Raises:
            InputError: a sketch of so many images that the memory which is free does not hold their kernel.
        """
        config = self.config
        if self.sketched:
            return _square(self.sketch)
        if config.head == "zero" or config.trainable == "head":
            return self.features.astype(np.float64) @ self.features.T.astype(np.float64) + 1
        key = jax.random.key(config.seed)
        kernel = probe_gram(
            *self.function, self.x, probes=config.probes, key=key, trainable=config.trainable, features=self.features
        )
        return np.asarray(kernel)

    def cross_kernel(self, images: UInt8[np.ndarray, "m h w 3"]) -> Float[np.ndarray, "m n"]:
        """K between other images and the training ones, with the probes of `kernel`; kept for images it has met.

        Cost: as `kernel`, for both.
        """
        return self._met("cross_kernel", images, lambda x, phi: self._kernel(x, phi, self.x, self.features))

    def kernel_of(self, images: UInt8[np.ndarray, "m h w 3"]) -> Float[np.ndarray, "m m"]:
        """K of other images among themselves, with the probes of `kernel`; kept for images it has met.

        Cost: as `kernel`, for these.
        """
        return self._met("kernel_of", images, lambda x, phi: self._kernel(x, phi, None, phi))

    def _met(self, name: str, images: np.ndarray, make: Callable[[Any, np.ndarray], np.ndarray]) -> np.ndarray:
        config = self.config
        settings = (config.head, config.probes, config.trainable, config.seed, config.statistics, config.dimension)
        settings += (self.sketched,)
        key = (name, digest(images), *settings)
        if key not in self.made:
            began, before = time.monotonic(), _total(self.made)
            value = make(self.model.normalise(images), np.asarray(cached_features(self.network, images)))
            self.made[key] = value, time.monotonic() - began - (_total(self.made) - before)
        return self.made[key][0]

    def _kernel(self, x: np.ndarray, phi: np.ndarray, others: np.ndarray | None, phi_others: np.ndarray) -> np.ndarray:
        config = self.config
        if config.head == "zero" or config.trainable == "head":
            return phi.astype(np.float64) @ phi_others.T.astype(np.float64) + 1
        if self.sketched:
            sketch = self._sketch(x, phi)
            return sketch @ (sketch if others is None else self.sketch).T
        options = {"probes": config.probes, "key": jax.random.key(config.seed), "trainable": config.trainable}
        return np.asarray(probe_gram(*self.function, x, others, **options))

    @part("head", "probes", "trainable", "seed", "statistics", "kernel", "dimension")
    def spectrum(self) -> Spectrum | PrimalSpectrum:
        """Of the kernel: it serves every training time and ridge. Cost: O(n³), of a sketch O(n m²)."""
        return decompose_features(self.sketch) if self.sketched else decompose(self.kernel)

    @part("head", "probes", "trainable", "seed", "statistics", "kernel", "dimension")
    def label_spectrum(self) -> KernelSpectrum:
        """Of the centred kernel, with the labels' energy in it; see lin_ft.spectra.

        Cost: O(n³), of a sketch O(n m²).
        """
        targets = encode(self.labels, self.task.n_classes)
        if self.sketched:
            return spectrum_of_features(self.sketch, targets, self.model.name, self.task.name)
        return spectrum_of(np.asarray(self.kernel, np.float64), targets, self.model.name, self.task.name)

    @part(
        "head", "probes", "trainable", "seed", "statistics", "kernel", "dimension", "times", "ridges", "left_out",
        "matchings",
    )  # fmt: skip
    def prediction(self) -> Prediction:
        """Of each training image from the others; see `predict_left_out`. Cost: O(n³), of a sketch O(n m²)."""
        return predict_left_out(self.spectrum, self.targets, self.labels, self.config)


def _square(sketch: Float[np.ndarray, "n m"]) -> Float[np.ndarray, "n n"]:
    n = len(sketch)
    needed, free = 2 * 8 * n**2, free_memory()
    if needed > free:
        raise InputError(
            f"The kernel of {n} images takes {needed / 2**30:.1f} GiB and {free / 2**30:.1f} are free: choose scores"
            " that do not need it, or fewer images by --shots."
        )
    return sketch @ sketch.T


def predict_left_out(
    spectrum: Spectrum | PrimalSpectrum,
    targets: Float[np.ndarray, "n C"],
    labels: Int[np.ndarray, " n"],
    config: RankConfig,
) -> Prediction:
    """What leave-one-out says at the time and ridge of `config` with the least leave-one-out loss.

    One image after the other is left out or, where `config.left_out` says so, one of each class at a time, in
    `config.matchings` ways to match them.

    Examples:
        >>> import numpy as np
        >>> import lin_ft
        >>> from lin_ft.predict import decompose
        >>> from lin_ft.ranking import predict_left_out
        >>> labels = np.arange(12) % 2
        >>> features = np.eye(2)[labels] + 0.1 * np.random.default_rng(0).normal(size=(12, 2))
        >>> spectrum = decompose(features @ features.T)
        >>> predict_left_out(spectrum, np.eye(2)[labels], labels, lin_ft.RankConfig()).accuracy
        1.0
    """
    folds = matchings(labels, config.matchings, seed=config.seed) if config.left_out == "shot" else None
    scale = spectrum.scale
    times, ridges = [time / scale for time in config.times], [ridge * scale for ridge in config.ridges]
    return select(spectrum, targets, labels, times, ridges, folds=folds)
