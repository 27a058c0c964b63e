"""Letters drawn from the fonts of Debian packages: one image a font and letter, split by type family."""

import io
import json
import logging
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from lin_ft.data.archive import Archive
from lin_ft.data.packaged import Example, PackagedDataset, Split, split_by_hash
from lin_ft.data.unpack import members

_SIZE, _INK, _DRAWN = 32, 26, 128
LICENCE = "OFL, GPL with font exception and other free font licences, per package"

COLLECTIONS = {"culmus", "culmus-fancy", "dustin", "freefont-ttf", "georgewilliams", "gotico-antiqua"}
COLLECTIONS |= {"sjfonts"}
"""Packages of unrelated families; any other package is one family with its cuts and widths."""

SAME_DESIGN = {
    "lobstertwo": "lobster",
    "adf-verana": "dejavu-core",
    "adf-gillius": "dejavu-core",
    "adf-switzera": "dejavu-core",
    "adf-romande": "tlwg-norasi-ttf",
    "adf-tribun": "tlwg-norasi-ttf",
    "tlwg-typist-ttf": "tlwg-mono-ttf",
    "FreeSerif": "tlwg-norasi-ttf",
    "FreeSans": "Nachlieli",
    "Taamey David CLM": "David",
    "Taamey Frank CLM": "Frank",
    "motoya-l-maruberi": "motoya-l-cedar",
    "umeplus": "vlgothic",
}
"""Designs that come under two names: measured, as fonts whose letters of some script correlate above 0.94 in
the median (above 0.97 for Latin, where unrelated sans-serifs reach 0.95)."""

_SALT = 8232
"""Chosen among many so that in each of the six scripts 19 to 25 % of the images fall to the test split."""


@cache
def _pinned() -> list[dict]:
    return json.loads(Path(__file__).with_name("fonts.json").read_text())


def font_archives(script: str) -> tuple[Archive, ...]:
    """The pinned font packages that hold the whole `script`."""
    return tuple(
        Archive("apt", font["name"], font["version"], font["filename"], font["sha256"], font["size"])
        for font in _pinned()
        if script in font["scripts"]
    )


def letter_name(letter: str) -> str:
    """A plain name: "A" for Latin, else the Unicode name without its script ("alef", "ko kai")."""
    if letter.isascii():
        return letter
    name = unicodedata.name(letter)
    for word in ("LETTER ", "CHARACTER "):
        name = name.split(word)[-1]
    return name.lower()


def family_of(package: str, family: str) -> str:
    """The group of a font, which decides its split: the same in every glyph data set."""
    package = package.removeprefix("fonts-")
    if family in SAME_DESIGN:
        return SAME_DESIGN[family]
    group = family.split()[0] if package in COLLECTIONS else package
    return SAME_DESIGN.get(group, group)


def split_of_family(group: str) -> Split:
    """The split of a type family, the same in every glyph data set."""
    return split_by_hash(f"{_SALT} {group}")


def fonts(path: Path) -> Iterator[tuple[str, set[int], bytes]]:
    """(family, code points it has, font file) for every TrueType or OpenType font of a Debian package."""
    from fontTools.ttLib import TTFont

    logging.getLogger("fontTools").setLevel(logging.ERROR)
    for name, content in sorted(members(path, lambda name: name.lower().endswith((".ttf", ".otf")))):
        with TTFont(io.BytesIO(content), lazy=True) as font:
            names = font["name"]
            family = names.getBestFamilyName() or Path(name).stem
            yield str(family), set(font.getBestCmap() or ()), content


def draw_letter(font, letter: str) -> np.ndarray | None:
    """A letter as a 32x32 uint8 image, black on white, 26 pixels long, centred; None when blank."""
    from PIL import Image, ImageDraw

    image = Image.new("L", (4 * _DRAWN, 4 * _DRAWN), 0)
    ImageDraw.Draw(image).text((1.5 * _DRAWN, 1.5 * _DRAWN), letter, fill=255, font=font)
    box = image.getbbox()
    if box is None or min(box[2] - box[0], box[3] - box[1]) < 2:
        return None
    ink = image.crop(box)
    scale = _INK / max(ink.size)
    width, height = (max(1, round(side * scale)) for side in ink.size)
    ink = ink.resize((width, height), Image.Resampling.BOX if scale < 0.5 else Image.Resampling.BILINEAR)
    page = Image.new("L", (_SIZE, _SIZE), 0)
    page.paste(ink, ((_SIZE - width) // 2, (_SIZE - height) // 2))
    return 255 - np.asarray(page)


def glyph_dataset(name: str, title: str, script: str, letters: str, kind) -> PackagedDataset:
    """A data set of `letters` from every font that has all of them.

    Blank glyphs, letters drawn like the font's placeholder or like another letter of the same font, and exact
    duplicates of an image already seen are left out.
    """
    archives = font_archives(script)

    def examples(paths: Sequence[Path]) -> Iterator[Example]:
        from PIL import ImageFont

        seen: set[bytes] = set()
        for archive, path in zip(archives, paths, strict=True):
            for family, points, content in fonts(path):
                if not points.issuperset(map(ord, letters)):
                    continue
                font = ImageFont.truetype(io.BytesIO(content), _DRAWN, layout_engine=ImageFont.Layout.BASIC)
                images = [draw_letter(font, letter) for letter in letters]
                drawn = [image.tobytes() for image in images if image is not None]
                if len(set(drawn)) < 0.9 * len(letters):
                    continue
                group = family_of(archive.name, family)
                for label, image in enumerate(images):
                    if image is not None and drawn.count(image.tobytes()) == 1 and image.tobytes() not in seen:
                        seen.add(image.tobytes())
                        yield Example(image, label, split_of_family(group), group)

    return PackagedDataset(
        name=name,
        version="1.0.0",
        domain="typeset letters",
        title=title,
        licence=LICENCE,
        kind=kind,
        class_names=tuple(map(letter_name, letters)),
        archives=archives,
        examples=examples,
    )
