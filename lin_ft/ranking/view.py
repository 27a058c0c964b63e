"""What a model sees of a task's training images."""

import dataclasses
import time

import jax
import numpy as np

from lin_ft.data import Task
from lin_ft.functions import with_head
from lin_ft.heads import init_head
from lin_ft.kernels import probe_gram
from lin_ft.ranking.config import RankConfig
from lin_ft.scores import encode
from lin_ft.zoo import ZooModel
from lin_ft.zoo.feature_cache import cached_features


@dataclasses.dataclass(frozen=True, eq=False)
class Seen:
    """What a model sees of the training images, under one head."""

    features: np.ndarray
    targets: np.ndarray
    """One-hot minus 1 / C."""
    kernel: np.ndarray
    seconds: float


def look(model: ZooModel, task: Task, config: RankConfig) -> Seen:
    """Features and kernel of the training images; `describe` with the same config takes it from there.

    Cost: one forward pass, and `probes` forward-and-backward passes for each training image.
    """
    began = time.monotonic()
    apply, params = model.function
    x, labels = model.normalise(task.train.images), np.asarray(task.train.labels)
    # Minus a constant: the class frequencies would tell leave-one-out the label it leaves out.
    targets = encode(labels, task.n_classes) - 1 / task.n_classes
    features = cached_features(model, task.train.images)
    key = jax.random.key(config.seed)
    params = with_head(params, init_head(config.head, features, targets.astype(x.dtype), key))
    if config.head == "zero" or config.trainable == "head":
        kernel = features.astype(np.float64) @ features.T.astype(np.float64) + 1
    else:
        kernel = probe_gram(apply, params, x, probes=config.probes, key=key, trainable=config.trainable)
    return Seen(np.asarray(features), targets, np.asarray(kernel), time.monotonic() - began)
