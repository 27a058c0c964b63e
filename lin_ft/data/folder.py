"""A folder of pictures: one sub-folder a class, or train/, validation/ and test/ of that form."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from lin_ft.data.accounting import COPY, Accounting, cut, relative
from lin_ft.data.class_names import united
from lin_ft.data.convert import PictureSet
from lin_ft.data.copies import copies, copies_notice, digest
from lin_ft.data.image_data import ImageData, Splits
from lin_ft.data.layout import Layout, layout_of
from lin_ft.data.picture_file import NotUsed, read_picture
from lin_ft.data.pixel_range import check_different
from lin_ft.data.tree import read_tree
from lin_ft.errors import InputError
from lin_ft.files.progress import bar


class _Picture(NamedTuple):
    path: Path
    split: str
    class_name: str


def folder_splits(folder: Path) -> tuple[str, ...]:
    """The splits that hold class folders: "train", and "test" and "validation" where there are such."""
    return tuple(layout_of(read_tree(folder)[0]).files)


def read_folder(folder: Path, *, size: int = 32) -> Splits:
    """All pictures of a folder, and the accounting of what was not used; classes and files are sorted by name.

    - Files are told by their content (`lin_ft.data.picture_file`), at any depth of a class's folder; hidden files and
      folders are passed over, linked folders entered once.
    - Sub-folders that are splits (`lin_ft.data.layout`) are read as such. Classes of two splits are compared in
      canonical Unicode and whatever the case.
    - Values become 8 bits by one rule for all pictures (`lin_ft.data.pixel_range`).
    - Of pictures with exactly the same content the first is kept: of the training split, then the test split, then the
      validation split, and of the classes in their order.

    Raises InputError: no sub-folder with pictures; splits that cannot be used as such; a class without a readable
    picture, or of the test split alone; pictures all nearly alike, or of values that cannot be told.
    """
    tree, passed_over = read_tree(folder)
    layout = layout_of(tree)
    layout.unused += passed_over
    listed, class_names = _listed(layout, folder)
    images, kept, digests = _decoded(listed, layout, size)
    _check_classes(kept, listed, class_names, layout, "none of its pictures can be read")
    check_different(images, f"the folder {folder}")
    used = _without_copies(kept, digests, layout)
    pictures = [kept[place] for place in used]
    _check_classes(pictures, listed, class_names, layout, "all its pictures are copies of another class's")
    parts, label_of = {}, {name: label for label, name in enumerate(class_names)}
    for split in layout.files:
        places = [place for place in used if kept[place].split == split]
        labels = np.asarray([label_of[kept[place].class_name] for place in places], np.int64)
        skipped = sum(each.split == split for each in listed) - sum(each.split == split for each in kept)
        origins = np.asarray([relative(kept[place].path, folder) for place in places], object).astype(str)
        parts[split] = ImageData(
            folder_name(folder), images[places], labels, class_names, skipped=skipped, origins=origins
        )
    parts = _check_splits(parts, layout)
    accounting = Accounting(
        str(folder),
        class_names,
        {split: tuple(part.counts().tolist()) for split, part in parts.items()},
        tuple(sorted(layout.unused, key=lambda each: each.path)),
        tuple(layout.notices),
    )
    return Splits(parts, accounting)


def folder_name(folder: Path) -> str:
    """The folder's own name, of `.` and `..` too."""
    return Path(os.path.abspath(folder)).name or "root"


def _listed(layout: Layout, folder: Path) -> tuple[list[_Picture], tuple[str, ...]]:
    """Every picture file in the order of splits, classes and paths; and the classes."""
    class_of, notices = united(layout.files)
    layout.notices += notices
    class_names = tuple(sorted({class_of[name] for name in layout.files["train"]}))
    listed = []
    for split, folders in layout.files.items():
        extra = [name for name in folders if class_of[name] not in class_names]
        if extra:
            pictures = sum(len(folders[name]) for name in extra)
            raise InputError(
                f"The {split} split of {folder} has classes that the training split has not: {cut(extra)}"
                f" ({pictures} pictures); the training split has {cut(class_names)}: rename or remove them."
            )
        pictures = [_Picture(path, split, class_of[name]) for name in folders for path in folders[name]]
        listed += sorted(pictures, key=lambda each: (each.class_name, relative(each.path, folder)))
    return listed, class_names


def _decoded(listed: Sequence[_Picture], layout: Layout, size: int) -> tuple[np.ndarray, list[_Picture], list[bytes]]:
    """(images, the pictures that they are of, digests of their content); the others are noted as unused."""
    images = PictureSet(len(listed), size, f"the folder {layout.root}")
    kept, digests, animated = [], [], 0
    with bar(f"reading {folder_name(layout.root)}", len(listed)) as show:
        for done, each in enumerate(listed, 1):
            try:
                picture = read_picture(each.path)
            except NotUsed as problem:
                layout.leave_out([each.path], problem.reason, problem.detail)
            else:
                images.add(picture.pixels)
                kept.append(each)
                digests.append(digest(picture.pixels))
                animated += picture.frames > 1
            show(done)
    if animated:
        layout.notices.append(f"{animated} files hold several pictures each, of which the first is used.")
    return images.converted(lambda place: read_picture(kept[place].path)), kept, digests


def _without_copies(kept: Sequence[_Picture], digests: Sequence[bytes], layout: Layout) -> list[int]:
    """The places of the pictures that are no copies of earlier ones."""
    found = copies(digests)
    for copy in found:
        original = relative(kept[copy.kept].path, layout.root)
        layout.leave_out([kept[copy.dropped].path], COPY, f"the same picture as {original}")
    if found:
        layout.notices.append(copies_notice(found, [(each.split, each.class_name) for each in kept]))
    dropped = {copy.dropped for copy in found}
    return [place for place in range(len(kept)) if place not in dropped]


def _check_classes(
    pictures: Sequence[_Picture], listed: Sequence[_Picture], class_names: Sequence[str], layout: Layout, why: str
) -> None:
    """Raises InputError for a class without a training picture, naming the first of its files."""
    found = {each.class_name for each in pictures if each.split == "train"}
    empty = [name for name in class_names if name not in found]
    if empty:
        first = next(each.path for each in listed if each.class_name == empty[0])
        example = next(each for each in layout.unused if each.path == relative(first, layout.root))
        more = f", and {cut(empty[1:])}" if empty[1:] else ""
        raise InputError(
            f"The class {empty[0]} of {layout.root} is unusable, {why} ({example}): repair it{more}, or move it away."
        )


def _check_splits(parts: Mapping[str, ImageData], layout: Layout) -> dict[str, ImageData]:
    """The splits that hold pictures, with a notice of classes that one lacks. Raises InputError for an empty test."""
    for split, part in parts.items():
        absent = [name for name, count in zip(part.class_names, part.counts(), strict=True) if not count]
        if not len(part):
            reasons = "each is unreadable or a copy of a training picture"
            if split == "test":
                raise InputError(f"The test split of {layout.root} has no picture of its own, {reasons}: add some.")
            layout.notices.append(f"The {split} split is not used, {reasons}.")
        elif absent:
            layout.notices.append(f"The {split} split has no pictures of {cut(absent)}.")
    return {split: part for split, part in parts.items() if len(part)}
