"""Augmented mini-batches of a few training images: a function of the seed alone."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int


def batches(
    x: Float[np.ndarray, "n h w 3"],
    y: np.ndarray,
    *,
    batch_size: int,
    steps: int,
    shift: int = 0,
    flip: bool = False,
    seed: int = 0,
    start: int = 0,
) -> Iterator[tuple[Float[np.ndarray, "b h w 3"], np.ndarray]]:
    """The batches of steps `start`, `start` + 1, ..., each image shifted by up to `shift` pixels, maybe mirrored.

    Every sample comes once before any comes again. A later start gives the same batches: the random numbers of the
    steps before are drawn and dropped.
    """
    rng = np.random.Generator(np.random.Philox(key=seed))
    for step, index in enumerate(_indices(rng, len(x), batch_size, steps)):
        offsets = rng.integers(0, 2 * shift + 1, (len(index), 2)) if shift else None
        mirrored = rng.random(len(index)) < 0.5 if flip else None
        if step >= start:
            yield _view(x[index], shift, offsets, mirrored), y[index]


def _indices(rng: np.random.Generator, n: int, batch_size: int, steps: int) -> Int[np.ndarray, "steps b"]:
    rounds = -(-steps * batch_size // n)
    order = np.concatenate([rng.permutation(n) for _ in range(rounds)])
    return order[: steps * batch_size].reshape(steps, batch_size)


def _view(x: np.ndarray, shift: int, offsets: np.ndarray | None, mirrored: np.ndarray | None) -> np.ndarray:
    height, width = x.shape[1:3]
    if offsets is not None:
        padded = np.pad(x, ((0, 0), (shift, shift), (shift, shift), (0, 0)), mode="edge")
        pairs = zip(padded, offsets, strict=True)
        x = np.stack([image[top : top + height, left : left + width] for image, (top, left) in pairs])
    if mirrored is not None:
        x = np.where(mirrored[:, None, None, None], x[:, :, ::-1], x)
    return x
