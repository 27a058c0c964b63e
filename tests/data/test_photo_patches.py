"""Photo patches: left trains, right tests, no pixel twice, no patch of one even colour."""

import numpy as np
import pytest
from fake_packages import debian_package, noise, png, wheel

from lin_ft.data.packaged import photo_patches
from lin_ft.data.packaged.photo_patches import DATASET, parts, patches


def test_no_pixel_of_one_part_enters_the_other():
    photo = np.zeros((500, 1000, 3), np.uint8)
    photo[:, :700] = (255, 0, 0)
    photo[:, 700:] = (0, 0, 255)
    left, right = parts(png(photo))["train"], parts(png(photo))["test"]
    assert left.shape == (288, 403, 3)
    assert right.shape == (288, 173, 3)
    assert (left == (255, 0, 0)).all()
    assert (right == (0, 0, 255)).all()


def test_patches_tile_the_part_and_even_ones_are_left_out():
    part = noise(0, 96, 80, 3)
    part[32:64, 32:64] = (10, 20, 30)
    part[33, 33] += 5  # a speck makes no difference
    found = list(patches(part))
    assert [row for row, _ in found] == [0, 0, 1, 2, 2]
    np.testing.assert_array_equal(found[1][1], part[:32, 32:64])
    np.testing.assert_array_equal(found[4][1], part[64:, 32:64])


@pytest.fixture
def photos() -> dict[str, np.ndarray]:
    """A photo of its own for each name, as high as the patches want it: (288, 320, 3)."""
    return {name: noise(i, 288, 320, 3) for i, name in enumerate(photo_patches._PHOTOS)}


def test_patches_of_every_photo_of_the_three_packages(tmp_path, photos):
    folders = (photo_patches._SKIMAGE, photo_patches._SKLEARN, photo_patches._MATE)
    files = [{n: png(p) for n, p in photos.items() if n.startswith(folder)} for folder in folders]
    files[0] |= {"skimage/data/moon.png": b"not wanted", "skimage/data/_fetchers.py": b"raise SystemExit"}
    makers = (wheel, wheel, debian_package)
    names = ("a.whl", "b.whl", "c.deb")
    paths = [make(tmp_path / name, content) for make, name, content in zip(makers, names, files, strict=True)]
    examples = list(DATASET.examples(paths))
    assert len(DATASET.class_names) == len(photos) == 24
    assert len(examples) == 24 * 9 * 10
    for label, photo in enumerate(photos.values()):
        seen = np.zeros((9, 10), int)
        tiles = {photo[r * 32 :, c * 32 :][:32, :32].tobytes(): (r, c) for r in range(9) for c in range(10)}
        for e in (e for e in examples if e.label == label):
            row, column = tiles[e.image.tobytes()]
            seen[row, column] += 1
            assert e.split == ("train" if column < 7 else "test")
            assert e.group == f"{DATASET.class_names[label]}, {e.split}, row {row}"
        assert (seen == 1).all()
