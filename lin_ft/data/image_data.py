"""Labelled images in memory."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from lin_ft.data.accounting import Accounting
from lin_ft.typing import Pixels


@dataclass(frozen=True, eq=False)
class ImageData:
    """n labelled images of one size.

    Attributes:
      images: uint8 (n, size, size, 3).
      labels: int64 (n,), index into `class_names`.
      groups: str (n,) or None; images of one group (a type family, a recording) belong on one side of a
         split.
      skipped: how many unreadable images were left out.
      origins: str (n,) or None; where each image comes from: its path in the folder, or x_train[3] of a file.
    """

    name: str
    images: Pixels
    labels: Int[np.ndarray, " n"]
    class_names: tuple[str, ...]
    groups: np.ndarray | None = None
    skipped: int = 0
    origins: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def n_classes(self) -> int:
        """Number of classes, those without an image counted too."""
        return len(self.class_names)

    def counts(self) -> np.ndarray:
        """Images of each class, (C,)."""
        return np.bincount(self.labels, minlength=self.n_classes)

    def take(self, indices: np.ndarray) -> "ImageData":
        """The images at `indices`, in that order."""
        groups = None if self.groups is None else self.groups[indices]
        origins = None if self.origins is None else self.origins[indices]
        return ImageData(
            self.name, self.images[indices], self.labels[indices], self.class_names, groups, self.skipped, origins
        )

    def together(self, other: "ImageData") -> "ImageData":
        """These images, then those of `other`, which has the same classes; groups and origins where both have them."""

        def both(mine: np.ndarray | None, theirs: np.ndarray | None) -> np.ndarray | None:
            return None if mine is None or theirs is None else np.concatenate([mine, theirs])

        return ImageData(
            self.name,
            np.concatenate([self.images, other.images]),
            np.concatenate([self.labels, other.labels]),
            self.class_names,
            both(self.groups, other.groups),
            self.skipped + other.skipped,
            both(self.origins, other.origins),
        )


@dataclass(frozen=True, eq=False)
class Splits:
    """The parts of one data set, "train" first, with the same classes, and what was found and not used."""

    parts: Mapping[str, ImageData]
    accounting: Accounting | None = None
