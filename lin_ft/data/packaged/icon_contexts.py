"""Oxygen desktop icons (KDE): what an icon stands for, which is its context, the folder of the icon theme it is in.

All are the drawings made for 48x48 pixels, on white, so that no context is sharper than another; links and icons
that two contexts share are left out, and so are contexts with fewer than 40 icons (categories, emblems, emotes).
Icons that are alike, such as all plain folders, fall into one split. Half of the icons are actions.
"""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from lin_ft.data.archive import Archive
from lin_ft.data.drawings import Drawing, split_drawings, white_square
from lin_ft.data.packaged import Example, PackagedDataset
from lin_ft.data.unpack import members

_SIZE = 48
_FOLDER = f"usr/share/icons/oxygen/base/{_SIZE}x{_SIZE}/"
_CONTEXTS = ("actions", "apps", "devices", "mimetypes", "places", "status")
_CLASSES = ("actions", "applications", "devices", "file types", "places", "status")
_FILENAME = "oxygen-icon-theme_5%3a5.103.0-1_all.deb"
_SHA256 = "3e49023e148906e41457a98a19a09858ddd761ef4f212fa356232924b3cebcce"

_SALT = "29 "
"""Chosen among 60 so that each context has 19 to 26 % of its icons in the test split."""


def _drawings(path: Path) -> Iterator[Drawing]:
    from PIL import Image

    for name, content in members(path, lambda name: name.startswith(_FOLDER) and name.endswith(".png")):
        icon = name.removeprefix(_FOLDER)
        context = icon.split("/")[0]
        if context in _CONTEXTS:
            image = white_square(Image.open(io.BytesIO(content)), _SIZE)
            yield Drawing(icon, _CONTEXTS.index(context), image)


def _examples(paths: Sequence[Path]) -> Iterator[Example]:
    return split_drawings(_drawings(paths[0]), salt=_SALT)


DATASET = PackagedDataset(
    name="icon_contexts",
    version="1.0.0",
    domain="desktop icons",
    title="Contexts of desktop icons",
    licence="LGPL-3+ (Oxygen)",
    kind="target",
    class_names=_CLASSES,
    archives=(Archive("apt", "oxygen-icon-theme", "5:5.103.0-1", _FILENAME, _SHA256, 31761936),),
    examples=_examples,
)
