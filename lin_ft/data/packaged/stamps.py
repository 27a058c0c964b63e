"""Stamps of Tux Paint: what is shown, from photographs cut out of their background and some drawings, 64x64 pixels.

The class is the top folder; seven folders of things with at least 30 stamps each. SVG drawings and the mirror images
that the package adds are left out; stamps that are alike, or of one name but for a number, fall into one split.
"""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from lin_ft.data.archive import Archive
from lin_ft.data.drawings import Drawing, kin_of, split_drawings, white_square
from lin_ft.data.packaged import Example, PackagedDataset
from lin_ft.data.unpack import members

_SIZE = 64
_ROOT = "usr/share/tuxpaint/stamps/"
_CLASSES = ("animals", "food", "household", "plants", "seasonal", "town", "vehicles")
_FILENAME = "tuxpaint-stamps-default_2022.06.04-1_all.deb"
_SHA256 = "6db6c1bfc870a47f1499d6203b083522eacb57c5f9c87d468f2e92eb6d9d5f34"

_SALT = "1683 "
"""Chosen among 2,000 so that each class has 21 to 26 % of its stamps in the test split."""


def _drawings(path: Path) -> Iterator[Drawing]:
    from PIL import Image

    for name, content in members(path, lambda name: name.startswith(_ROOT) and name.endswith(".png")):
        short = name.removeprefix(_ROOT)
        folder = short.split("/")[0]
        if folder in _CLASSES and not short.endswith(("_mirror.png", "_flip.png")):
            image = white_square(Image.open(io.BytesIO(content)), _SIZE)
            yield Drawing(short, _CLASSES.index(folder), image, kin_of(short))


def _examples(paths: Sequence[Path]) -> Iterator[Example]:
    return split_drawings(_drawings(paths[0]), salt=_SALT)


DATASET = PackagedDataset(
    name="stamps",
    version="1.0.0",
    domain="photos and drawings, cut out",
    title="Categories of Tux Paint stamps",
    licence="GPL-2 (Tux Paint)",
    kind="target",
    class_names=_CLASSES,
    archives=(Archive("apt", "tuxpaint-stamps-default", "2022.06.04-1", _FILENAME, _SHA256, 160880444),),
    examples=_examples,
)
