"""OSU Leaf (Grandhi 2003): leaf outlines as 427 distances from the centre, drawn as black leaves on white.

The outlines come standardised (mean 0, deviation 1), so their true depth of notch is lost: a quarter of the
mean radius stands for one deviation, at which every radius stays positive. The split is the official one.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from lin_ft.data.archive import Archive
from lin_ft.data.packaged import Example, PackagedDataset, Split
from lin_ft.data.unpack import member

_SIZE, _FINE, _MARGIN, _CONTRAST = 64, 4, 4, 0.25
_SHA256 = "d05227086706f80111ac5fee8de4d5d3115bb3bcfd1c786c8629393055816409"
_SPECIES = ("Acer circinatum", "Acer glabrum", "Acer macrophyllum", "Acer negundo")
_SPECIES += ("Quercus garryana", "Quercus kelloggii")
_SPLITS: dict[str, Split] = {"TRAIN": "train", "TEST": "test"}


def draw_outline(series: np.ndarray) -> np.ndarray:
    """Standardised radii (n,), anti-clockwise, as a filled 64x64 uint8 image."""
    from PIL import Image, ImageDraw

    radius = np.maximum(0, 1 + _CONTRAST * series)
    angle = np.arange(len(series)) * (2 * np.pi / len(series))
    x, y = radius * np.cos(angle), -radius * np.sin(angle)
    low = np.array([x.min(), y.min()])
    side = max(np.ptp(x), np.ptp(y))
    offset = (side - np.array([np.ptp(x), np.ptp(y)])) / 2
    corners = (np.stack([x, y], 1) - low + offset) * ((_SIZE - 2 * _MARGIN) * _FINE / side) + _MARGIN * _FINE
    image = Image.new("L", (_SIZE * _FINE, _SIZE * _FINE), 255)
    ImageDraw.Draw(image).polygon([tuple(corner) for corner in corners.tolist()], fill=0)
    return np.asarray(image.resize((_SIZE, _SIZE), Image.Resampling.BOX))


def _examples(paths: Sequence[Path]) -> Iterator[Example]:
    for stem, split in _SPLITS.items():
        text = member(paths[0], f"aeon/datasets/data/OSULeaf/OSULeaf_{stem}.ts").decode()
        for line in text.splitlines():
            if line and line[0] not in "#@":
                series, species = line.rsplit(":", 1)
                outline = draw_outline(np.array(series.split(","), float))
                yield Example(outline, int(species) - 1, split)


DATASET = PackagedDataset(
    name="osu_leaf",
    version="1.0.0",
    domain="leaf outlines",
    title="Species of a leaf from its outline",
    licence="BSD-3 (package); data set of the UCR archive",
    kind="target",
    class_names=_SPECIES,
    archives=(Archive("pip", "aeon", "1.6.0", "aeon-1.6.0-py3-none-any.whl", _SHA256, 6421000),),
    examples=_examples,
)
