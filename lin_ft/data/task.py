"""A few-shot task: disjoint train, validation and test images drawn from one data set."""

import dataclasses
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lin_ft.data.accounting import Accounting, cut
from lin_ft.data.dataset import load_splits
from lin_ft.data.draw import SHOTS, Pools, draw_all, draw_few, hold_out_test
from lin_ft.data.image_data import ImageData
from lin_ft.data.sampler import cap, sample_per_class
from lin_ft.errors import InputError
from lin_ft.renamed import renamed

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Task:
    """A classification task with few labelled images.

    Attributes:
      name: the data set, folder or file it comes from, without its path.
      target: what `load_task` was given.
      train: the images that scores see, `shots` of every class, uint8 (shots * C, size, size, 3).
      validation: other images, for choosing hyper-parameters of real fine-tuning only: of the validation split where
        there is one, else of the training split.
      test: images for measuring, from the test split where there is one.
      shots: training images of every class; 0: all of them. Where `load_task` was not told, classes may have fewer.
      skipped: images that could not be read.
      accounting: of a folder or an .npz file, what it holds and what of it was not used.
    """

    name: str
    target: str
    class_names: tuple[str, ...]
    train: ImageData
    validation: ImageData
    test: ImageData
    shots: int
    seed: int
    skipped: int = 0
    accounting: Accounting | None = None

    @property
    def n(self) -> int:
        """Number of training images."""
        return len(self.train)

    @property
    def n_classes(self) -> int:
        """Number of classes, C."""
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
        shots = f"{self.shots} shots" if self.shots else "all images"
        shots = f"up to {shots}" if self.shots and self.n < self.shots * self.n_classes else shots
        text = f"{self.name}: {self.n_classes} classes, {shots}, seed {self.seed}: {parts}"
        unused = self.accounting.summary() if self.accounting else ""
        return f"{text}; not used: {unused}" if unused else text

    def _repr_html_(self) -> str:
        from lin_ft.data.sheet import sheet_html

        return sheet_html(str(self), self.train)


@renamed(source="target")
def load_task(
    target: str | Path,
    *,
    shots: int | str | None = None,
    seed: int = 0,
    size: int = 32,
    validation_shots: int | None = None,
    max_test: int = 2000,
    whole: bool = False,
) -> Task:
    """Draws a few-shot task; the same arguments give the same images on every machine.

    Train images come from the training split, test images from the test split; without one about 30 % of the training
    split are held out first, whole groups where it has groups. Validation images come from the validation split;
    without one from what the training sample leaves. Test sets above `max_test` are thinned, evenly over the classes.

    Args:
      target: a packaged or any TFDS name, a folder with one sub-folder a class, or an .npz file (`load_split`).
      shots: training images of every class, or "all". By default 10; a class that has fewer is then used whole, but
        for one image that validates, and the log says so.
      seed: number of the draw.
      size: pixels a side.
      validation_shots: validation images of every class; by default half the shots, between 2 and 10, and
        fewer (down to none, where a class has no more) if the smallest class runs short.
      max_test: test images at most.
      whole: the same as shots="all": all training images but a tenth of every class (whole groups where there are
        groups), which validates; with a validation split, all of both.

    Raises InputError: as `load_split`; fewer than two classes; a class with fewer images than `shots`; test images of a
    class that has none to train on; an option out of range.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.data import load_task
        >>> pixels = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8)
        >>> np.savez("shades.npz", x=pixels, y=np.arange(40) % 2)
        >>> task = load_task("shades.npz", shots=5, size=8)
        >>> task.balance()  # of each class: images to train, to validate, to test
        {'0': (5, 2, 6), '1': (5, 2, 6)}
    """
    if isinstance(shots, str) and shots != "all":
        raise InputError(f"shots is {shots!r}: give a number or all.")
    whole = whole or shots == "all"
    asked = None if whole or shots is None else int(shots)
    _check_options(asked, seed, validation_shots, max_test)
    source = load_splits(target, size=size)
    shown = str(target) if Path(target).name not in ("", "..") else source.parts["train"].name
    parts = _with_training_classes(source.parts, shown)
    pool, test = parts["train"], parts.get("test")
    if test is None:
        pool, test = hold_out_test(pool, 1 if whole else asked, seed)
    pools = Pools(pool, parts.get("validation"))
    if whole:
        train, validation = draw_all(pools, seed)
    else:
        train, validation = draw_few(pools, asked, validation_shots, seed, shown)
    return Task(
        name=pool.name,
        target=str(target),
        class_names=pool.class_names,
        train=train,
        validation=validation,
        test=test.take(cap(test.labels, max_test, seed)),
        shots=0 if whole else asked or SHOTS,
        seed=seed,
        skipped=sum(part.skipped for part in source.parts.values()),
        accounting=source.accounting,
    )


def load_whole(
    target: str | Path, *, shots: int | str | None = None, seed: int = 0, size: int = 32, most: int = 1000
) -> Task:
    """A task that trains on all images of its source's training split, for looking at data.

    None are held out: validation and test images are those of the source's own splits, there may be none. `target`,
    `seed` and `size` are as of `load_task`. `shots`: images of every class, of classes with fewer all; "all": whatever
    their number; by default, of more than `most` images, as many of every class as add up to no more, which the log
    says.

    Raises InputError: as `load_split`; fewer than two classes; test images of a class that has none to train on; an
    option out of range.

    Args:
        target: as of `load_task`.
        shots: images of every class, or "all".
        seed: of the choice where there are more.
        size: pixels a side.
        most: images that are taken unasked.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.data import load_whole
        >>> pixels = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8)
        >>> np.savez("shades.npz", x=pixels, y=np.arange(40) % 2)
        >>> load_whole("shades.npz", size=8).n
        40
    """
    if isinstance(shots, str) and shots != "all":
        raise InputError(f"shots is {shots!r}: give a number or all.")
    asked = int(shots) if shots not in (None, "all") else None
    _check_options(asked, seed, None, max(most, 1))
    source = load_splits(target, size=size)
    shown = str(target) if Path(target).name not in ("", "..") else source.parts["train"].name
    parts = _with_training_classes(source.parts, shown)
    pool = parts["train"]
    counts = pool.counts()
    limit = asked if asked is not None else _shots_within(counts, most) if shots is None else int(counts.max())
    if limit < counts.max():
        chosen = sample_per_class(pool.labels, np.minimum(counts, limit), seed, purpose="train")
        if asked is None:
            _LOG.warning(
                "%s: %d of its %d training images are taken, at most %d of every class (--shots all takes all).",
                shown, len(chosen), len(pool), limit,
            )  # fmt: skip
        pool = pool.take(chosen)
    nothing = parts["train"].take(np.empty(0, np.int64))
    return Task(
        name=pool.name,
        target=str(target),
        class_names=pool.class_names,
        train=pool,
        validation=parts.get("validation", nothing),
        test=parts.get("test", nothing),
        shots=limit if limit < counts.max() else 0,
        seed=seed,
        skipped=sum(part.skipped for part in source.parts.values()),
        accounting=source.accounting,
    )


def _shots_within(counts: np.ndarray, most: int) -> int:
    """The largest number of images of every class that adds up to at most `most`, at least 2."""
    limit = int(counts.max())
    while limit > 2 and int(np.minimum(counts, limit).sum()) > most:
        limit -= 1
    return limit


def _check_options(shots: int | None, seed: int, validation_shots: int | None, max_test: int) -> None:
    for name, value, least in (("shots", shots, 1), ("seed", seed, 0), ("max_test", max_test, 1)):
        if value is not None and value < least:
            raise InputError(f"{name} is {value}: give at least {least}.")
    if validation_shots is not None and validation_shots < 0:
        raise InputError(f"validation_shots is {validation_shots}: give 0 or more.")


def _with_training_classes(parts: Mapping[str, ImageData], target: str) -> dict[str, ImageData]:
    """The parts with the classes that have a training image, numbered anew.

    Raises InputError where these are fewer than two, or where another part holds images of a class without any.
    """
    pool = parts["train"]
    if not all(len(part) for part in parts.values()):
        empty = next(split for split, part in parts.items() if not len(part))
        raise InputError(f"The {empty} split of {target} is empty: add images or remove it.")
    present = np.unique(pool.labels)
    if len(present) < 2:
        only = f" ({pool.class_names[present[0]]})" if len(present) else ""
        raise InputError(f"{target} has {len(present)} class with training images{only}: a task needs at least two.")
    names = tuple(pool.class_names[label] for label in present)
    renumbered = {}
    for split, part in parts.items():
        strange = ~np.isin(part.labels, present)
        if strange.any():
            labels = np.unique(part.labels[strange]).tolist()
            named = cut(part.class_names[label] if 0 <= label < part.n_classes else str(label) for label in labels)
            raise InputError(
                f"The {split} split of {target} holds {int(strange.sum())} images of classes without a training image"
                f" ({named}): add training images of them, or take these images out."
            )
        labels = np.searchsorted(present, part.labels).astype(np.int64)
        renumbered[split] = dataclasses.replace(part, labels=labels, class_names=names)
    return renumbered
