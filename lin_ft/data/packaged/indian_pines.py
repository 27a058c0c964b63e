"""Indian Pines (AVIRIS 1992; Baumgardner, Biehl, Landgrebe): crops and woods seen from an aeroplane in 200 bands.

A patch is 9x9 pixels around a labelled pixel, its class is that pixel's; classes with at most 200 labelled pixels are
left out. The first three principal components of the bands are red, green and blue; they and their range are fitted,
without labels, on the pixels of the training blocks alone.

Neighbouring patches share pixels, so the scene of 145x145 pixels is cut into blocks of 16 (the last ones are 17 long)
and whole blocks train or test. A patch that reaches into a block of the other split, or over the edge of the scene,
is left out: no pixel is seen by both splits. The test blocks were chosen so that each class has 22 to 33 % of its
patches there. Within a split patches do overlap, so validation images drawn from the training split look like their
training images; one field may lie on both sides of the split.
"""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from lin_ft.data.archive import Archive
from lin_ft.data.packaged import Example, PackagedDataset
from lin_ft.data.unpack import member

RADIUS, _SIDE, _BLOCK = 4, 145, 16
_SHA256 = "90becb3d28023638ec60d19fbf8d87735b4ce1537fe3eb881897d69e107b882d"
_CLASSES = {
    2: "corn, no till",
    3: "corn, minimum till",
    4: "corn",
    5: "grass and pasture",
    6: "grass and trees",
    8: "hay, windrowed",
    10: "soybean, no till",
    11: "soybean, minimum till",
    12: "soybean, clean till",
    13: "wheat",
    14: "woods",
    15: "buildings, grass, trees, drives",
}
"""Numbers of the label image."""

_TEST_BLOCKS = """
.......xx
.xx......
.x.xxx...
xxxx....x
x.xx..xx.
......xxx
xx....xxx
.x..x....
......xxx
"""


def area_of_test() -> np.ndarray:
    """Whether a pixel lies in a block of the test split: bool (145, 145)."""
    blocks = np.array([[mark == "x" for mark in row] for row in _TEST_BLOCKS.split()])
    block_of = np.minimum(np.arange(_SIDE) // _BLOCK, len(blocks) - 1)
    return blocks[np.ix_(block_of, block_of)]


def pure_centres() -> np.ndarray:
    """Whether the patch around a pixel lies in the scene and in blocks of one split alone: bool (145, 145)."""
    windows = np.lib.stride_tricks.sliding_window_view(area_of_test(), (2 * RADIUS + 1,) * 2)
    pure = np.zeros((_SIDE, _SIDE), bool)
    pure[RADIUS:-RADIUS, RADIUS:-RADIUS] = windows.all((2, 3)) | ~windows.any((2, 3))
    return pure


def false_colours(scene: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """Principal components 1 to 3 of a scene (h, w, bands) as uint8 (h, w, 3), fitted where `fitted` (h, w) is true.

    A component points to where its largest loading is positive; its 1st to 99th percentile become 0 to 255.
    """
    pixels = scene[fitted].astype(np.float64)
    mean = pixels.mean(0)
    loadings = np.linalg.eigh(np.cov(pixels, rowvar=False))[1][:, :-4:-1]
    loadings = loadings * np.sign(loadings[np.abs(loadings).argmax(0), np.arange(3)])
    values = (scene - mean) @ loadings
    low, high = np.percentile(values[fitted], [1, 99], axis=0)
    return np.rint(255 * np.clip((values - low) / (high - low), 0, 1)).astype(np.uint8)


def _examples(paths: Sequence[Path]) -> Iterator[Example]:
    scene, numbers = (
        np.load(io.BytesIO(member(paths[0], f"tensorly/datasets/data/Indian_pines_{name}.npy")), allow_pickle=False)
        for name in ("corrected", "gt")
    )
    test = area_of_test()
    image = false_colours(scene, ~test)
    labels = {number: label for label, number in enumerate(_CLASSES)}
    for row, column in np.argwhere(pure_centres() & np.isin(numbers, list(_CLASSES))).tolist():
        patch = image[row - RADIUS : row + RADIUS + 1, column - RADIUS : column + RADIUS + 1]
        split = "test" if test[row, column] else "train"
        block = f"block {row // _BLOCK} {column // _BLOCK}"
        yield Example(patch, labels[int(numbers[row, column])], split, block)


DATASET = PackagedDataset(
    name="indian_pines",
    version="1.0.0",
    domain="aerial images, 9x9 pixels of false colour",
    title="Crops and woods in a hyperspectral scene",
    licence="BSD-3 (package); the scene is public",
    kind="target",
    class_names=tuple(_CLASSES.values()),
    archives=(Archive("pip", "tensorly", "0.10.0", "tensorly-0.10.0-py3-none-any.whl", _SHA256, 7431542),),
    examples=_examples,
)
