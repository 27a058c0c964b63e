"""ELPV: whether a solar cell is monocrystalline or polycrystalline, from its photograph; all 2,624 cells."""

from lin_ft.data.elpv import elpv_dataset

_TYPES = ("mono", "poly")

DATASET = elpv_dataset(
    "elpv_cell_type",
    "Type of a solar cell",
    ("monocrystalline", "polycrystalline"),
    lambda probability, kind: _TYPES.index(kind),
)
