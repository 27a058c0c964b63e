"""ELPV (Buerhop-Lutz et al. 2018): electroluminescence photographs of 2,624 solar cells, split by solar module.

The cells were cut from 44 photographed modules. Cells of one module share its make, its exposure and often one
crack pattern, so whole modules train or test. The package does not name the module of a cell, but lists the cells
module by module. The sizes below were found from changes between monocrystalline and polycrystalline and from jumps
of the median row and column profile of neighbouring cells, which come every 60 cells but where another size is
given; with them the number of modules of both types is that of the publication (18 and 26). Three modules without a
clear boundary are one group. Every fifth group tests.
"""

import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from lin_ft.data.archive import Archive
from lin_ft.data.packaged import Example, PackagedDataset
from lin_ft.data.unpack import members

_SIZE = 96
_SHA256 = "85e31c1126ee9b48e62d3a0232c58f58b2d189b0814a45c13642fa0415af4a4c"
_FILENAME = "elpv_dataset-1.0.0.post1-py3-none-any.whl"
GROUP_SIZES = (60,) * 20 + (54,) + (60,) * 6 + (54, 176) + (60,) * 5 + (72,) + (60,) * 3 + (48,) + (60,) * 3
"""Cells of each group, in the order of the list of cells; 176 are three modules."""


def shrink(content: bytes) -> np.ndarray:
    """A grey PNG of 300x300 pixels as uint8 (96, 96)."""
    from PIL import Image

    photo = Image.open(io.BytesIO(content)).convert("L")
    return np.asarray(photo.resize((_SIZE, _SIZE), Image.Resampling.BICUBIC))


def _reader(label_of: Callable[[float, str], int | None]) -> Callable[[Sequence[Path]], Iterator[Example]]:
    def examples(paths: Sequence[Path]) -> Iterator[Example]:
        folder = "elpv_dataset/data/"
        files = dict(members(paths[0], lambda name: name.startswith(folder)))
        rows = [line.split() for line in files[f"{folder}labels.csv"].decode().splitlines() if line.strip()]
        groups = np.repeat(np.arange(len(GROUP_SIZES)), GROUP_SIZES)
        for (name, probability, kind), group in zip(rows, groups[: len(rows)], strict=True):
            label = label_of(float(probability), kind)
            if label is not None:
                split = "test" if group % 5 == 0 else "train"
                yield Example(shrink(files[folder + name]), label, split, f"module {group:02}")

    return examples


def elpv_dataset(
    name: str, title: str, class_names: tuple[str, ...], label_of: Callable[[float, str], int | None]
) -> PackagedDataset:
    """One task on the cells: 96x96 grey images.

    Args:
      name: of the data set, as `load_task` takes it.
      title: one line on what is told apart.
      class_names: names of the classes, in the order of their numbers.
      label_of: the class of a cell from its probability of a defect and its type, "mono" or "poly"; None leaves it
        out.
    """
    return PackagedDataset(
        name=name,
        version="1.0.0",
        domain="electroluminescence photos of solar cells",
        title=title,
        licence="CC BY-NC-SA 4.0 (no commercial use)",
        kind="target",
        class_names=class_names,
        archives=(Archive("pip", "elpv-dataset", "1.0.0.post1", _FILENAME, _SHA256, 90801454),),
        examples=_reader(label_of),
    )
