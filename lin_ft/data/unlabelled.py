"""Pictures without labels: every picture of a folder, at any depth."""

import dataclasses
import logging
from pathlib import Path

import numpy as np

from lin_ft.data.accounting import COPY, Accounting, Unused, cut, relative
from lin_ft.data.convert import PictureSet
from lin_ft.data.copies import copies, digest
from lin_ft.data.folder import folder_name
from lin_ft.data.picture_file import NotUsed, read_picture
from lin_ft.data.tree import read_tree
from lin_ft.errors import InputError
from lin_ft.files.progress import bar
from lin_ft.typing import Pixels

_LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, eq=False)
class Unlabelled:
    """n pictures of one size, and what of the folder was not used."""

    name: str
    images: Pixels
    origins: np.ndarray
    """Path of each in the folder, str (n,)."""
    unused: tuple[Unused, ...]

    def __len__(self) -> int:
        return len(self.images)


def load_unlabelled(folder: str | Path, *, size: int = 32) -> Unlabelled:
    """Every picture of a folder, by path, by the rules of `load_split`; of exact copies the first.

    What is not used is logged: unreadable files by name, with their number.

    Raises InputError: no such folder, no picture that can be read, values that cannot be told.

    Examples:
        >>> import pathlib
        >>> import numpy as np
        >>> from PIL import Image
        >>> from lin_ft.data import load_unlabelled
        >>> pathlib.Path("pool").mkdir()
        >>> for k, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), np.uint8)):
        ...     Image.fromarray(pixels).save(f"pool/{k}.png")
        >>> load_unlabelled("pool", size=8).images.shape
        (3, 8, 8, 3)
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise InputError(f"There is no folder {folder} of unlabelled images: check the path.")
    tree, passed_over = read_tree(root)
    paths = tree.every_picture()
    images, kept, digests = PictureSet(len(paths), size, f"the folder {root}"), [], []
    unused = list(passed_over)
    with bar(f"reading {folder_name(root)}", len(paths)) as show:
        for done, path in enumerate(paths, 1):
            try:
                picture = read_picture(path)
            except NotUsed as problem:
                unused.append(Unused(relative(path, root), problem.reason, problem.detail))
            else:
                images.add(picture.pixels)
                kept.append(path)
                digests.append(digest(picture.pixels))
            show(done)
    if not kept:
        named = f" ({cut((str(each) for each in unused), 3)})" if unused else ""
        raise InputError(f"The folder {root} of unlabelled images has no picture that can be read{named}: add some.")
    pixels = images.converted(lambda place: read_picture(kept[place]))
    dropped = {copy.dropped: copy.kept for copy in copies(digests)}
    for place, original in dropped.items():
        same = f"the same picture as {relative(kept[original], root)}"
        unused.append(Unused(relative(kept[place], root), COPY, same))
    places = [place for place in range(len(kept)) if place not in dropped]
    found = Unlabelled(
        folder_name(root), pixels[places], np.asarray([relative(kept[p], root) for p in places]), tuple(unused)
    )
    told = Accounting(str(root), (), {}, found.unused)
    if summary := told.summary():
        names = cut((str(each) for reasons in told.by_reason().values() for each in reasons), 5)
        _LOG.warning("%s: %d unlabelled pictures; not used: %s: %s", root, len(found), summary, names)
    return found
