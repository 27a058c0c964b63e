"""ELPV: whether a solar cell is functional or defective, from its photograph.

Experts judged each cell, and the file gives the probability of a defect that follows from their verdict and how sure
they were of it. The 401 cells with probability 1/3 or 2/3, where they were not sure, are left out: 2,223 remain.
"""

from lin_ft.data.elpv import elpv_dataset

_CERTAIN = {0.0: 0, 1.0: 1}

DATASET = elpv_dataset(
    "elpv_defect",
    "Defects of a solar cell",
    ("functional", "defective"),
    lambda probability, kind: _CERTAIN.get(probability),
)
