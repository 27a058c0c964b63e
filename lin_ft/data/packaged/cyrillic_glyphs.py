"""Russian capitals (without yo) from free fonts, split by type family."""

from lin_ft.data.glyphs import glyph_dataset

DATASET = glyph_dataset(
    "cyrillic_glyphs",
    "Russian capitals in many typefaces",
    "cyrillic",
    "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ",
    "source",
)
