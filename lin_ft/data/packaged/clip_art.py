"""Open Clip Art: what a drawing shows, which is the top folder it is filed under; nine folders of everyday things.

A drawing is cut out, centred on a white square of 64x64 pixels. Left out are drawings filed under two of the nine
(by a link or as equal images), 237 playing cards, drawings with text (which would depend on the
fonts of the machine), those smaller than an eighth of their page, and seven files that CairoSVG cannot draw.
Drawings that are alike, or of one name but for a number or "bw" (black and white), fall into one split.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from lin_ft.data.archive import Archive
from lin_ft.data.drawings import Drawing, kin_of, render_svg, split_drawings, white_square
from lin_ft.data.packaged import Example, PackagedDataset
from lin_ft.data.unpack import links, members

_SIZE, _PAGE, _LEAST = 64, 256, 32
_ROOT = "usr/share/openclipart/svg/"
_CLASSES = ("animals", "buildings", "food", "office", "people", "plants", "recreation", "tools", "transportation")
_FILENAME = "openclipart-svg_1%3a0.18+dfsg-19_all.deb"
_SHA256 = "989712d90d57dfa3230049f553bb43b76c30ee4d4b8c5f6e106e33f7db5cbdc5"
_CARDS = "recreation/games/cards/"
_TEXT = (b"<text", b":text", b"flowRoot")
_BROKEN = {
    "animals/fish/dolphin_enrique_meza_c_01.svg",
    "animals/fish/dolphin_enrique_meza_c_02.svg",
    "animals/mammals/dolphin_enrique_meza_c_01.svg",
    "animals/mammals/dolphin_enrique_meza_c_02.svg",
    "buildings/homes/home14.svg",
    "office/floppy_frederic_moser_01.svg",
    "people/brozo_the_clown_enrique__01.svg",
}

_SALT = "704 "
"""Chosen among 3,000 so that each class has 18 to 25 % of its drawings in the test split."""


def class_of(name: str) -> str | None:
    """The class of a file of the package, None where it has none."""
    folder = name.removeprefix(_ROOT).split("/")[0]
    return folder if name.startswith(_ROOT) and name.endswith(".svg") and folder in _CLASSES else None


def cut_out(page: np.ndarray) -> np.ndarray | None:
    """The drawing on a white page (256, 256, 3), as large as a 64x64 white square allows; None where it is tiny."""
    from PIL import Image

    rows, columns = np.nonzero((page < 247).any(2))
    if not len(rows) or max(np.ptp(rows), np.ptp(columns)) + 1 < _LEAST:
        return None
    part = page[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    return white_square(Image.fromarray(part), _SIZE)


def _drawings(path: Path) -> Iterator[Drawing]:
    shared = {target for name, target in links(path) if class_of(name) not in (None, class_of(target))}
    for name, content in members(path, lambda name: class_of(name) is not None and name not in shared):
        short = name.removeprefix(_ROOT)
        if short not in _BROKEN and not short.startswith(_CARDS) and not any(sign in content for sign in _TEXT):
            image = cut_out(render_svg(content, _PAGE))
            if image is not None:
                yield Drawing(short, _CLASSES.index(short.split("/")[0]), image, kin_of(short))


def _examples(paths: Sequence[Path]) -> Iterator[Example]:
    return split_drawings(_drawings(paths[0]), salt=_SALT)


DATASET = PackagedDataset(
    name="clip_art",
    version="1.0.0",
    domain="clip art",
    title="Categories of clip art",
    licence="Creative Commons public domain dedication",
    kind="target",
    class_names=_CLASSES,
    archives=(Archive("apt", "openclipart-svg", "1:0.18+dfsg-19", _FILENAME, _SHA256, 24919068),),
    examples=_examples,
)
