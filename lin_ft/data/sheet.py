"""A contact sheet: rows of images with their names, by default one of examples a class, as a PNG."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lin_ft.data.dataset import load_split, splits_of
from lin_ft.data.image_data import ImageData
from lin_ft.data.sampler import Shuffler
from lin_ft.errors import InputError
from lin_ft.files.cache import disk_errors

_GAP, _FONT_SIZE, _MARGIN = 2, 12, 8
_CELL = 112
"""Pixels a side of a picture with a caption."""


def contact_sheet(
    source: str | Path | ImageData,
    path: str | Path,
    *,
    split: str | None = None,
    columns: int = 16,
    max_classes: int = 50,
    size: int = 32,
    zoom: int = 1,
    seed: int = 0,
) -> Path:
    """Writes a PNG with a row of examples of each class; returns its path.

    Args:
      source: a data set's name, a folder, an .npz file, or images already loaded.
      path: the PNG, in a folder that is there.
      split: by default "train", or the source's first split.
      columns: examples of each class.
      max_classes: rows; of more classes the first are shown.
      size: pixels a side at which they are read; images already loaded keep theirs.
      zoom: each pixel is drawn as zoom x zoom pixels.
      seed: of the choice of examples.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.data import contact_sheet
        >>> pixels = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8)
        >>> np.savez("shades.npz", x=pixels, y=np.arange(40) % 2)
        >>> contact_sheet("shades.npz", "shades.png", size=8).name
        'shades.png'

    Raises:
      InputError: as `load_split`; an option out of range; `path` cannot be written.
    """
    if min(columns, max_classes, zoom) < 1:
        raise InputError("columns, max_classes and zoom of a contact sheet must be at least 1: give larger numbers.")
    data = source if isinstance(source, ImageData) else _load(source, split, size)
    shuffler, rows = Shuffler(seed, "sheet"), []
    for row, name in enumerate(data.class_names[:max_classes]):
        chosen = shuffler.shuffled(np.flatnonzero(data.labels == row))[:columns]
        rows.append((name, data.images[chosen]))
    return _sheet_of_rows(rows, path, columns=columns, zoom=zoom)


def _sheet_of_rows(rows: Sequence[tuple[str, np.ndarray]], path: str | Path, *, columns: int, zoom: int) -> Path:
    """Writes a PNG with a row for each (name, images), uint8 (n, size, size, 3)."""
    from PIL import Image, ImageDraw

    font = _font()
    left = round(max(font.getlength(name) for name, _ in rows)) + 2 * _MARGIN
    cell = rows[0][1].shape[1] * zoom + _GAP
    row_height = max(cell, _FONT_SIZE + 4)
    sheet = Image.new("RGB", (left + columns * cell, len(rows) * row_height), (226, 226, 232))
    pen = ImageDraw.Draw(sheet)
    for row, (name, images) in enumerate(rows):
        top = row * row_height
        pen.text((_MARGIN, top + row_height // 2), name, fill="black", font=font, anchor="lm")
        for column, pixels in enumerate(images[:columns]):
            image = np.repeat(np.repeat(pixels, zoom, 0), zoom, 1)
            sheet.paste(Image.fromarray(image), (left + column * cell, top))
    return _saved(sheet, path)


def captioned_sheet(
    sections: Sequence[tuple[str, Sequence[tuple[str, np.ndarray]]]], path: str | Path, *, columns: int = 8
) -> Path:
    """Writes a PNG of sections, each a title and pictures with a caption below each; returns its path.

    Pictures are uint8 (height, width, 3); small ones are shown enlarged. Captions of several lines are cut at the width
    of a cell.

    Raises InputError: no pictures; `path` cannot be written.

    Examples:
        >>> import numpy as np
        >>> from lin_ft.data import captioned_sheet
        >>> black, white = np.zeros((8, 8, 3), np.uint8), np.full((8, 8, 3), 255, np.uint8)
        >>> captioned_sheet([("two pictures", [("black", black), ("white", white)])], "two.png").name
        'two.png'
    """
    from PIL import Image, ImageDraw

    sections = [(title, pictures) for title, pictures in sections if len(pictures)]
    if not sections:
        raise InputError("contact sheet: there is no picture to show.")
    font, line = _font(), _FONT_SIZE + 3
    lines = max(caption.count("\n") + 1 for _, pictures in sections for caption, _ in pictures)
    cell = _CELL + lines * line + _MARGIN
    heights = [line + 2 * _MARGIN + -(-len(pictures) // columns) * cell for _, pictures in sections]
    sheet = Image.new("RGB", (columns * (_CELL + _MARGIN) + _MARGIN, sum(heights)), (246, 246, 248))
    pen, top = ImageDraw.Draw(sheet), 0
    for (title, pictures), height in zip(sections, heights, strict=True):
        pen.text((_MARGIN, top + _MARGIN), title, fill="black", font=font)
        for place, (caption, pixels) in enumerate(pictures):
            left = _MARGIN + place % columns * (_CELL + _MARGIN)
            down = top + line + 2 * _MARGIN + place // columns * cell
            picture = Image.fromarray(pixels)
            small = max(picture.size) <= _CELL // 2  # its pixels are shown as they are
            scale = _CELL / max(picture.size)
            size = (round(picture.width * scale), round(picture.height * scale))
            way = Image.Resampling.NEAREST if small else Image.Resampling.BICUBIC
            sheet.paste(picture.resize(size, way), (left, down))
            for number, words in enumerate(caption.split("\n")):
                at = (left, down + _CELL + 1 + number * line)
                pen.text(at, _cut(words, font), fill="black", font=font)
        top += height
    return _saved(sheet, path)


def _cut(words: str, font: Any) -> str:
    """The words, as many as fit into the width of a cell."""
    if font.getlength(words) <= _CELL:
        return words
    while words and font.getlength(f"{words}…") > _CELL:
        words = words[:-1]
    return f"{words}…"


def _font() -> Any:
    """DejaVu Sans, which matplotlib brings: unlike Pillow's own it has Greek, Cyrillic, Hebrew and arrows."""
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), _FONT_SIZE)


def _saved(sheet: Any, path: str | Path) -> Path:
    path = Path(path).expanduser()
    if not path.parent.is_dir():
        raise InputError(f"The contact sheet cannot be written, there is no folder {path.parent}: make it first.")
    with disk_errors(path.parent):
        sheet.save(path, "PNG")
    return path


def sheet_html(title: str, data: ImageData, *, columns: int = 8, max_classes: int = 20) -> str:
    """The first `columns` images of each class (at most `max_classes`) with the class names, pictures inside."""
    import base64
    import io
    from html import escape

    from PIL import Image

    def picture(image: np.ndarray) -> str:
        shown, buffer = Image.fromarray(image), io.BytesIO()
        shown.thumbnail((96, 96))
        shown.save(buffer, "PNG")
        source = base64.b64encode(buffer.getvalue()).decode()
        return f'<img alt="" style="display:inline;margin:1px;width:48px" src="data:image/png;base64,{source}">'

    rows = []
    for label, name in enumerate(data.class_names[:max_classes]):
        pictures = "".join(picture(data.images[place]) for place in np.flatnonzero(data.labels == label)[:columns])
        rows.append(
            f'<tr><td style="text-align:left">{escape(name)}</td><td style="text-align:left">{pictures}</td></tr>'
        )
    more = len(data.class_names) - max_classes
    note = f"<p>… and {more} classes more</p>" if more > 0 else ""
    return f"<p>{escape(title)}</p><table><tbody>{''.join(rows)}</tbody></table>{note}"


def _load(source: str | Path, split: str | None, size: int) -> ImageData:
    if split is None:
        splits = splits_of(source)
        split = "train" if "train" in splits else splits[0]
    return load_split(source, split, size=size)
