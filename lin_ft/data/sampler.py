"""Few-shot samples: the same seed draws the same images on every machine and platform."""

import numpy as np

from lin_ft.errors import InputError


class Shuffler:
    """Random orders keyed by a seed and a purpose.

    Uses only the raw bits of Philox and SeedSequence, whose streams NumPy promises never to change (NEP 19),
    which it does not for `Generator.permutation`.
    """

    def __init__(self, seed: int, purpose: str) -> None:
        key = int.from_bytes(purpose.encode(), "little")
        self._bits = np.random.Philox(np.random.SeedSequence([seed, key]))

    def shuffled(self, items: np.ndarray) -> np.ndarray:
        """The items in random order."""
        return items[np.argsort(self._bits.random_raw(len(items)), kind="stable")]


def sample_per_class(
    labels: np.ndarray, shots: int | np.ndarray, seed: int, *, purpose: str, among: np.ndarray | None = None
) -> np.ndarray:
    """Sorted indices of `shots` images of every class that occurs in `labels`, (shots * C,), without repeats.

    Args:
      labels: class of each image, int (n,).
      shots: one number, or one for each class that occurs, (C,), in their order.
      seed: of the draw; the same images on every machine.
      purpose: a word, "train" or "validate", so that draws of one seed for different purposes are independent.
      among: bool (n,), the images that may be drawn; all by default.

    Raises:
      InputError: a class has too few.
    """
    shuffler = Shuffler(seed, purpose)
    chosen = []
    classes = np.unique(labels)
    for label, wanted in zip(classes, np.broadcast_to(shots, classes.shape), strict=True):
        pool = np.flatnonzero((labels == label) & (True if among is None else among))
        if len(pool) < wanted:
            raise InputError(f"class {label} has {len(pool)} of the {wanted} images wanted: lower the shots.")
        chosen.append(shuffler.shuffled(pool)[:wanted])
    return np.sort(np.concatenate(chosen)) if chosen else np.empty(0, np.int64)


def hold_out(labels: np.ndarray, groups: np.ndarray | None, share: float, seed: int) -> np.ndarray:
    """A test mask, bool (n,), for a source that has no test split: about `share` of every class.

    With `groups`, whole groups are held out, drawn one after the other until the share is reached; a group
    that would take more than half of what is left of any class is passed over.
    """
    shuffler = Shuffler(seed, "hold out")
    held = np.zeros(len(labels), bool)
    if groups is None:
        for label in np.unique(labels):
            pool = np.flatnonzero(labels == label)
            held[shuffler.shuffled(pool)[: round(share * len(pool))]] = True
        return held
    classes, index = np.unique(labels, return_inverse=True)
    left = np.bincount(index, minlength=len(classes))
    for group in shuffler.shuffled(np.unique(groups)):
        members = groups == group
        taken = np.bincount(index[members], minlength=len(classes))
        if held.mean() >= share:
            break
        if (2 * taken <= left).all():
            held |= members
            left -= taken
    return held


def cap(labels: np.ndarray, limit: int, seed: int) -> np.ndarray:
    """Sorted indices of at most `limit` images, spread over the classes as evenly as they allow."""
    if len(labels) <= limit:
        return np.arange(len(labels))
    shuffler = Shuffler(seed, "cap test")
    order = shuffler.shuffled(np.arange(len(labels)))
    rank = np.empty(len(labels), np.int64)  # an image's place among the shuffled images of its class
    for label in np.unique(labels):
        mine = order[labels[order] == label]
        rank[mine] = np.arange(len(mine))
    return np.sort(order[np.argsort(rank[order], kind="stable")][:limit])
