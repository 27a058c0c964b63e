"""Which images of a data set train, validate and test in a few-shot task."""

import logging
from typing import NamedTuple

import numpy as np

from lin_ft.data.accounting import cut
from lin_ft.data.image_data import ImageData
from lin_ft.data.sampler import hold_out, sample_per_class
from lin_ft.errors import InputError

_LOG = logging.getLogger(__name__)

SHOTS = 10
"""Training images of a class where nothing else is said."""

_TEST_SHARE = 0.3
"""Share of the images held out for the test when a data set has no test split."""

_VALIDATION_SHARE = 0.1
"""Share of the training images that validates where all of them are used."""


class Pools(NamedTuple):
    """The images that may be drawn; each class has one to train on."""

    train: ImageData
    validation: ImageData | None
    """Of a split of their own, where there is one."""


def hold_out_test(pool: ImageData, shots: int | None, seed: int) -> tuple[ImageData, ImageData]:
    """(train, test) of images without a test split; where `shots` is given, classes keep so many if they can."""
    held = hold_out(pool.labels, pool.groups, _TEST_SHARE, seed)
    if pool.groups is None and shots is not None:
        for label in np.unique(pool.labels):
            mine = np.flatnonzero(pool.labels == label)
            free, taken = int((~held[mine]).sum()), mine[held[mine]]
            back = min(max(shots - free, 0), max(len(taken) - 1, 0))
            held[taken[:back]] = False
    return pool.take(np.flatnonzero(~held)), pool.take(np.flatnonzero(held))


def draw_all(pools: Pools, seed: int) -> tuple[ImageData, ImageData]:
    """(train, validation): all images, but for a tenth of every class where there is no validation split."""
    pool = pools.train
    if pools.validation is not None:
        return pool, pools.validation
    held = hold_out(pool.labels, pool.groups, _VALIDATION_SHARE, seed)
    if not held.any() and pool.groups is None:
        held[sample_per_class(pool.labels, _one_of_three(pool), seed, purpose="validate")] = True
    return pool.take(np.flatnonzero(~held)), pool.take(np.flatnonzero(held))


def draw_few(
    pools: Pools, shots: int | None, validation_shots: int | None, seed: int, name: str
) -> tuple[ImageData, ImageData]:
    """(train, validation): `shots` training images of every class, and validation images that do not train.

    `shots` None: `SHOTS`; classes that have fewer are used whole, with a notice, one image of each validating where
    there is no validation split.
    """
    pool = pools.train
    counts = pool.counts()
    spares = shots is None and pools.validation is None
    spared = _one_of_three(pool) if spares else np.zeros(len(counts), np.int64)
    few = counts - spared < (SHOTS if shots is None else shots)
    if shots is not None and few.any():
        smallest = int(counts.argmin())
        raise InputError(
            f"The class {pool.class_names[smallest]} of {name} has {counts[smallest]} images to train on, fewer than "
            f"the {shots} shots: ask for at most {counts[smallest]}, for all, or add images."
        )
    wanted = np.full(len(counts), SHOTS if shots is None else shots)
    if few.any():
        wanted = np.minimum(wanted, counts - spared)
        named = cut(f"{pool.class_names[label]} {counts[label]}" for label in np.flatnonzero(few))
        apart = " and one to validate" if spares else ""
        others = "" if few.all() else f"; of the others {SHOTS} train"
        _LOG.warning(
            "%s: %d of %d classes have fewer images than %d to train on%s (%s): they are used whole%s",
            name, few.sum(), len(counts), SHOTS, apart, named, others,
        )  # fmt: skip
    chosen = sample_per_class(pool.labels, wanted, seed, purpose="train")
    usual = min(max(2, int(wanted.max()) // 2), 10)
    if pools.validation is not None:
        return pool.take(chosen), _from_split(pools.validation, usual, validation_shots, seed, name)
    left = np.ones(len(pool), bool)
    left[chosen] = False
    rest = np.bincount(pool.labels[left], minlength=pool.n_classes)
    if few.any() and validation_shots is None:
        validating = np.minimum(rest, 1)
    else:
        validating = _equally_many(int(rest.min()), usual, validation_shots, name)
    validation = sample_per_class(pool.labels, validating, seed, purpose="validate", among=left)
    return pool.take(chosen), pool.take(validation)


def _equally_many(spare: int, usual: int, asked: int | None, name: str) -> int:
    """Validation images of every class, of which `spare` are left in the smallest."""
    if asked is not None and asked > spare:
        raise InputError(
            f"{name} leaves {spare} validation images for its smallest class, not {asked}: lower shots or "
            "validation_shots."
        )
    return min(usual, spare) if asked is None else asked


def _from_split(part: ImageData, usual: int, asked: int | None, seed: int, name: str) -> ImageData:
    """Validation images of a split of their own; of classes with fewer all of them."""
    counts = part.counts()
    if asked is not None and counts.min() < asked:
        raise InputError(
            f"The validation split of {name} has {counts.min()} images of its smallest class, not {asked}: lower"
            " validation_shots."
        )
    wanted = np.minimum(counts[counts > 0], usual if asked is None else asked)
    return part.take(sample_per_class(part.labels, wanted, seed, purpose="validate"))


def _one_of_three(pool: ImageData) -> np.ndarray:
    """One image of each class that has three, (C,)."""
    return (pool.counts() >= 3).astype(np.int64)
