"""The 22 Hebrew letters (no final forms) from free fonts, split by type family."""

from lin_ft.data.glyphs import glyph_dataset

DATASET = glyph_dataset(
    "hebrew_glyphs", "Hebrew letters in many typefaces", "hebrew", "אבגדהוזחטיכלמנסעפצקרשת", "target"
)
