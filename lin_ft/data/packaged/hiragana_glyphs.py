"""The 46 basic hiragana from free fonts, split by type family."""

from lin_ft.data.glyphs import glyph_dataset

DATASET = glyph_dataset(
    "hiragana_glyphs",
    "Hiragana in many typefaces",
    "hiragana",
    "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをん",
    "target",
)
