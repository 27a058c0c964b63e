"""A few-shot task: disjoint train, validation and test images drawn from one source."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lin_ft.data.dataset import ImageData, load_split, splits_of
from lin_ft.data.sampler import cap, hold_out, sample_per_class
from lin_ft.errors import InputError

_TEST_SHARE = 0.3
"""Share of the images held out for the test when a source has no test split."""

_VALIDATION_SHARE = 0.1
"""Share of the training images that validates where all of them are used."""


@dataclass(frozen=True, eq=False)
class Task:
    """A classification task with few labelled images.

    Attributes:
      name: the data set, folder or file it comes from, without its path.
      source: what `load_task` was given.
      train: the images that scores see, `shots` of every class, uint8 (shots * C, size, size, 3).
      validation: other images of the same split, for choosing hyper-parameters of real fine-tuning only.
      test: images for measuring, from the test split where there is one.
      skipped: images that could not be read.
    """

    name: str
    source: str
    class_names: tuple[str, ...]
    train: ImageData
    validation: ImageData
    test: ImageData
    shots: int
    seed: int
    skipped: int = 0

    @property
    def n(self) -> int:
        """Number of training images."""
        return len(self.train)

    @property
    def n_classes(self) -> int:
        return len(self.class_names)

    def balance(self) -> Mapping[str, tuple[int, int, int]]:
        """Images of each class in train, validation and test."""
        train, validation, test = (
            np.bincount(part.labels, minlength=self.n_classes).tolist()
            for part in (self.train, self.validation, self.test)
        )
        return dict(zip(self.class_names, zip(train, validation, test, strict=True), strict=True))

    def __str__(self) -> str:
        parts = f"{self.n} train, {len(self.validation)} validation, {len(self.test)} test images"
        skipped = f", {self.skipped} unreadable images skipped" if self.skipped else ""
        return f"{self.name}: {self.n_classes} classes, {self.shots} shots, seed {self.seed}: {parts}{skipped}"


def load_task(
    source: str | Path,
    *,
    shots: int = 10,
    seed: int = 0,
    size: int = 32,
    validation_shots: int | None = None,
    max_test: int = 2000,
    whole: bool = False,
) -> Task:
    """Draws a few-shot task; the same arguments give the same images on every machine.

    Train and validation come from the source's train split, test from its test split; a source without one
    has about 30 % held out first, whole groups where it has groups. Test sets above `max_test` are thinned,
    evenly over the classes.

    Args:
      source: a packaged or any TFDS name, a folder with one sub-folder a class, or an .npz file
         (`load_split`).
      shots: training images of every class.
      size: pixels a side.
      validation_shots: validation images of every class; by default half the shots, between 2 and 10, and
        fewer (down to none, where a class has no more) if the smallest class runs short.
      whole: all training images but a tenth of every class (whole groups where there are groups), which
        validates; `shots` is then 0.

    Raises InputError: as `load_split`; fewer than two classes; a class with fewer images than `shots`; an
    option out of range.
    """
    _check_options(shots, seed, validation_shots, max_test)
    splits = splits_of(source)
    pool = load_split(source, "train" if "train" in splits else splits[0], size=size)
    test, skipped = None, pool.skipped
    if "test" in splits:
        test = load_split(source, "test", size=size)
        skipped += test.skipped
        if not len(test):
            raise InputError(f"The test split of {source} is empty: add images or remove it.")
    pool, test = _drop_absent_classes(pool, test, str(source))
    if test is None:
        held = hold_out(pool.labels, pool.groups, _TEST_SHARE, seed)
        if pool.groups is None:
            held = _leave_enough(held, pool.labels, shots)
        pool, test = pool.take(np.flatnonzero(~held)), pool.take(np.flatnonzero(held))
    if whole:
        held = hold_out(pool.labels, pool.groups, _VALIDATION_SHARE, seed)
        train, validation, shots = np.flatnonzero(~held), np.flatnonzero(held), 0
    else:
        train = _sample(pool, shots, seed, str(source))
        validation = _sample_rest(pool, train, shots, seed, validation_shots, str(source))
    return Task(
        name=pool.name,
        source=str(source),
        class_names=pool.class_names,
        train=pool.take(train),
        validation=pool.take(validation),
        test=test.take(cap(test.labels, max_test, seed)),
        shots=shots,
        seed=seed,
        skipped=skipped,
    )


def _check_options(shots: int, seed: int, validation_shots: int | None, max_test: int) -> None:
    for name, value, least in (("shots", shots, 1), ("seed", seed, 0), ("max_test", max_test, 1)):
        if value < least:
            raise InputError(f"{name} is {value}: give at least {least}.")
    if validation_shots is not None and validation_shots < 0:
        raise InputError(f"validation_shots is {validation_shots}: give 0 or more.")


def _drop_absent_classes(pool: ImageData, test: ImageData | None, source: str) -> tuple[ImageData, ImageData | None]:
    """Leaves out classes without a training image, for a folder whose images cannot be read."""
    present = np.unique(pool.labels)
    if len(present) < 2:
        only = f" ({pool.class_names[present[0]]})" if len(present) else ""
        raise InputError(f"{source} has {len(present)} class with training images{only}: a task needs at least two.")
    names = tuple(pool.class_names[label] for label in present)

    def renumbered(data: ImageData) -> ImageData:
        kept = data.take(np.flatnonzero(np.isin(data.labels, present)))
        labels = np.searchsorted(present, kept.labels).astype(np.int64)
        return ImageData(kept.name, kept.images, labels, names, kept.groups, kept.skipped)

    return renumbered(pool), None if test is None else renumbered(test)


def _leave_enough(held: np.ndarray, labels: np.ndarray, shots: int) -> np.ndarray:
    """Gives held-out images back to classes that could not fill their shots otherwise, but keeps one each."""
    held = held.copy()
    for label in np.unique(labels):
        mine = np.flatnonzero(labels == label)
        free, taken = int((~held[mine]).sum()), mine[held[mine]]
        back = min(max(shots - free, 0), max(len(taken) - 1, 0))
        held[taken[:back]] = False
    return held


def _sample(pool: ImageData, shots: int, seed: int, source: str) -> np.ndarray:
    counts = np.bincount(pool.labels, minlength=pool.n_classes)
    smallest = int(counts.argmin())
    if counts[smallest] < shots:
        raise InputError(
            f"The class {pool.class_names[smallest]} of {source} has {counts[smallest]} images to train "
            f"on, fewer than "
            f"the {shots} shots: ask for at most {counts[smallest]} or add images."
        )
    return sample_per_class(pool.labels, shots, seed, purpose="train")


def _sample_rest(
    pool: ImageData, train: np.ndarray, shots: int, seed: int, wanted: int | None, source: str
) -> np.ndarray:
    left = np.ones(len(pool), bool)
    left[train] = False
    spare = int(np.bincount(pool.labels[left], minlength=pool.n_classes).min())
    if wanted is None:
        wanted = min(max(2, min(shots // 2, 10)), spare)
    if wanted > spare:
        raise InputError(
            f"{source} leaves {spare} validation images for its smallest class, not {wanted}: lower shots or "
            "validation_shots."
        )
    return sample_per_class(pool.labels, wanted, seed, purpose="validate", among=left)
