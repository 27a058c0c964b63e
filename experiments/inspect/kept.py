"""Views whose kernels and features are kept on disk, since several scripts need the same ones."""

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from lin_ft.data import Task
from lin_ft.data.identity import images_digest
from lin_ft.files.atomic import write_atomically
from lin_ft.files.cache import cache_dir
from lin_ft.ranking import View, part
from lin_ft.zoo import ZooModel

_OF_VIEW: Any = View
"""Its parts as they are, with the function that makes each."""
MODELS = ("cifar10-resnet20", "fashion_mnist-resnet20", "latin_glyphs-resnet20")
"""Of the embedded zoo: photographs, garments, writing."""


@dataclasses.dataclass(frozen=True, eq=False)
class KeptView(View):
    """A view that reads its kernel and features from `folder` where they are, and writes them there where not."""

    folder: Path = dataclasses.field(default_factory=lambda: cache_dir() / "kernels")

    @part("head", "probes", "trainable", "seed", "statistics")
    def kernel(self) -> np.ndarray:
        """That of View, in the number format it was made in."""
        config = self.config
        if config.head == "zero":
            return _OF_VIEW.kernel.make(self)
        told = f"{config.head} {config.probes} {config.trainable} {config.seed} {config.statistics}"
        return self._kept(f"kernel {told}", lambda: _OF_VIEW.kernel.make(self))

    @part("statistics")
    def features(self) -> np.ndarray:
        """Those of View."""
        return self._kept(f"features {self.config.statistics}", lambda: _OF_VIEW.features.make(self))

    def _kept(self, what: str, make) -> np.ndarray:
        images = images_digest(self.task.n_classes, dataclasses.replace(self.task.train, labels=0 * self.labels))
        digest = hashlib.sha256(f"{what} {self.model.weights_digest} {images}".encode()).hexdigest()[:16]
        path = self.folder / f"{digest}.npy"
        if not path.exists():
            array = np.asarray(make())
            write_atomically(path, lambda temporary: _save(temporary, array))
        return np.load(path, allow_pickle=False)


def with_labels(view: KeptView, labels: np.ndarray) -> KeptView:
    """The same model on the same images under other labels: what does not depend on labels is not computed again."""
    train = dataclasses.replace(view.task.train, labels=labels)
    other = dataclasses.replace(view, task=dataclasses.replace(view.task, train=train), made={})
    shared = ("network", "x", "features", "kernel", "spectrum")
    keep = {key: value for key, value in view.made.items() if key[0] in shared}
    other.made.update(keep)
    return other


def kept_view(model: ZooModel, task: Task, **settings) -> KeptView:
    from lin_ft.ranking import RankConfig

    return KeptView(model, task, RankConfig(**settings))


def _save(path: Path, array: np.ndarray) -> None:
    with open(path, "wb") as file:
        np.save(file, array)
