"""30 everyday Thai consonants from free fonts, split by type family."""

from lin_ft.data.glyphs import glyph_dataset

DATASET = glyph_dataset(
    "thai_glyphs", "Thai consonants in many typefaces", "thai", "กขคงจฉชซดตถทธนบปผฝพฟภมยรลวศสหอ", "target"
)
