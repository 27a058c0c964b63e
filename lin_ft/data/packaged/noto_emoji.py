"""Category of an emoji from its drawing in Google's Noto style: 64x64 pixels, on white, without skin-tone variants.

The categories are those of Unicode, as in the OpenMoji data sets. An emoji and its variants (of one first code
point, flags of countries excepted) and drawings that are nearly equal fall into one split. But for flags and where
likeness joins emoji, that is the split of the OpenMoji data sets.
"""

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from lin_ft.data.archive import Archive
from lin_ft.data.drawings import Drawing, split_drawings, white_square
from lin_ft.data.packaged import Example, PackagedDataset
from lin_ft.data.unpack import member, members

_SIZE = 64
_FOLDER = f"package/img/google/{_SIZE}/"
_CATEGORIES = ("Activities", "Animals & Nature", "Food & Drink", "Objects", "People & Body")
_CATEGORIES += ("Smileys & Emotion", "Symbols", "Travel & Places", "Flags")
_LETTERS = {f"{point:X}" for point in range(0x1F1E6, 0x1F200)}
_LIKENESS = 0.99
_FILENAME = "emoji-datasource-google-16.0.0.tgz"
_SHA256 = "fb5fd131b362aab7a55542d2a147a79708cce0a8b1c1bbacd470172708b5c438"


def _drawings(path: Path) -> Iterator[Drawing]:
    from PIL import Image

    table = json.loads(member(path, "package/emoji.json"))
    # Skin-tone variants are in a table of their own within each entry, and not in this one.
    labels = {e["image"]: _CATEGORIES.index(e["category"]) for e in table if e["category"] in _CATEGORIES}
    for name, content in members(path, lambda name: name.startswith(_FOLDER)):
        file = name.removeprefix(_FOLDER)
        if file in labels:
            code = Path(file).stem.upper()
            first = code.split("-")[0]
            # The flags of countries are pairs of letters: those of one first letter have nothing else in common.
            kin = code if first in _LETTERS else first
            yield Drawing(code, labels[file], white_square(Image.open(io.BytesIO(content)), _SIZE), kin)


def _examples(paths: Sequence[Path]) -> Iterator[Example]:
    return split_drawings(_drawings(paths[0]), likeness=_LIKENESS)


DATASET = PackagedDataset(
    name="noto_emoji",
    version="1.0.0",
    domain="shaded drawings",
    title="Emoji categories, Noto style",
    licence="Apache-2.0 (Noto Emoji), MIT (package)",
    kind="target",
    class_names=tuple(category.replace(" & ", " and ").lower() for category in _CATEGORIES),
    archives=(Archive("npm", "emoji-datasource-google", "16.0.0", _FILENAME, _SHA256, 74344091),),
    examples=_examples,
)
