"""Latin capitals A to Z from free fonts, split by type family."""

from lin_ft.data.glyphs import glyph_dataset

DATASET = glyph_dataset(
    "latin_glyphs", "Latin capitals in many typefaces", "latin", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "source"
)
