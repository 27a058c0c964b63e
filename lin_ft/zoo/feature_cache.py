"""Penultimate features kept on disk, by what they depend on: weights, images and the transform between them."""

import contextlib
import hashlib
import json
from pathlib import Path

import jax
import numpy as np

from lin_ft.errors import InputError
from lin_ft.files.atomic import write_atomically
from lin_ft.files.cache import cache_dir
from lin_ft.functions import features_of
from lin_ft.typing import Features, Pixels
from lin_ft.zoo.identity import card_digest
from lin_ft.zoo.model import ZooModel

VERSION = 2
"""Of what an architecture computes; another one leaves old files unread."""
SMALLEST = 64
"""Pixels a side from which on reading is quicker than a forward pass."""


def cached_features(model: ZooModel, images: Pixels) -> Features:
    """phi of the images, (n, d), computed once for the same weights, batch statistics, images and normalisation.

    The key is the SHA-256 of these: the weights as they lie on disk, a target's statistics where the model has them in
    place of the source's, the pixels with their shape, mean, deviation, architecture and its options. Images below
    SMALLEST pixels are computed each time, and so are files that cannot be read or written.
    """
    apply, params = model.function
    if images.shape[1] < SMALLEST:
        return features_of(apply, params, model.normalise(images))
    path = cache_dir() / "features" / f"{_key(model, images)}.npy"
    with contextlib.suppress(OSError, ValueError, EOFError):
        return np.load(path, allow_pickle=False)
    features = np.asarray(features_of(apply, params, model.normalise(images)))
    with contextlib.suppress(InputError):
        write_atomically(path, lambda temporary: _save(temporary, features))
    return features


def _key(model: ZooModel, images: Pixels) -> str:
    made_of = [VERSION, model.weights_digest, card_digest(model.card), list(images.shape)]
    digest = hashlib.sha256(json.dumps(made_of).encode())
    digest.update(images.tobytes())
    if model.statistics:
        for leaf in jax.tree.leaves(model.statistics.layers):
            digest.update(np.asarray(leaf).tobytes())
    return digest.hexdigest()


def _save(path: Path, features: np.ndarray) -> None:
    with path.open("wb") as file:
        np.save(file, features)
