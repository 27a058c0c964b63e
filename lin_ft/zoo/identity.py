"""What a stored result depends on in a model.

Its weights as they lie on disk, and what its card says of the network and of its input. Two digests, so that whoever
finds a stored result outdated can say why.
"""

import dataclasses
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import jax
import numpy as np

from lin_ft.errors import InputError
from lin_ft.zoo.card import ModelCard

DESCRIPTIVE = frozenset(
    {
        "name", "source", "domain", "class_names", "image_size", "n_params", "n_train", "n_test", "test_accuracy",
        "licence", "command", "commit", "hardware", "seconds", "seed", "recipe", "sha256", "trunk", "interpolation",
        "assumed", "prior",
    }
)  # fmt: skip
"""Fields of a card that change no output, or whose part is known otherwise: the weights are hashed themselves, and the
images that a result was made of have a size."""


def card_digest(card: ModelCard) -> str:
    """16 hexadecimal digits of the SHA-256 of whatever a card says of the network or its input.

    Architecture, options, mean, std and so on. Fields at their default are left out, so that a new one changes no
    digest.
    """
    told = {}
    for field in dataclasses.fields(card):
        default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        value = getattr(card, field.name)
        if field.name not in DESCRIPTIVE and value != default:
            told[field.name] = value
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def files_digest(*paths: Path) -> str:
    """SHA-256 of the files one after the other, 64 hexadecimal digits. Raises InputError for one that is unreadable."""
    digest = hashlib.sha256()
    for path in paths:
        try:
            with open(path, "rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}); fetch or train it again.") from error
    return digest.hexdigest()


def leaves_digest(module: str, *trees: Any) -> str:
    """SHA-256, in hexadecimal, of a module's description and of trees of arrays: paths, types, shapes, values."""
    digest = hashlib.sha256(re.sub(r" at 0x[0-9a-f]+", "", module).encode())  # a function's address is no difference
    for path, leaf in jax.tree_util.tree_leaves_with_path(trees):
        array = np.asarray(leaf)
        digest.update(json.dumps([jax.tree_util.keystr(path), str(array.dtype), array.shape]).encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
