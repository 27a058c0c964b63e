"""Drawings: whole on white, without duplicates, look-alikes in one split."""

import numpy as np
import pytest
from fake_packages import noise
from PIL import Image

from lin_ft.data.drawings import Drawing, alike, kin_of, split_drawings, white_square
from lin_ft.data.packaged import split_by_hash


def test_drawing_is_whole_centred_and_white_where_transparent():
    wide = np.zeros((8, 16, 4), np.uint8)
    wide[:, :2] = wide[:, -2:] = (255, 0, 0, 255)  # a red edge on each side; between them nothing
    image = white_square(Image.fromarray(wide), 16)
    red = (image == (255, 0, 0)).all(2)
    assert red[4:12, :2].all()
    assert red[4:12, -2:].all()
    assert red.sum() == 32
    assert (image[~red] == 255).all()
    assert white_square(Image.fromarray(wide), 48).shape == (48, 48, 3)


def disc(row: int, column: int, colour: tuple[int, int, int] = (0, 0, 0)) -> np.ndarray:
    """A filled disc on white, (32, 32, 3)."""
    rows, columns = np.indices((32, 32))
    inside = np.hypot(rows - row, columns - column) < 6
    return np.where(inside[..., None], np.array(colour, np.uint8), np.uint8(255))


def test_badged_and_mirrored_drawings_are_alike_others_not():
    plain, mirrored, blank = disc(16, 8), disc(16, 23), np.full((32, 32, 3), 255, np.uint8)
    badged = plain.copy()
    badged[2:5, 26:29] = (0, 200, 0)
    upside_down = disc(26, 16)
    found = alike(np.stack([plain, mirrored, badged, upside_down, blank]))
    same = [[1, 1, 1, 0, 0], [1, 1, 1, 0, 0], [1, 1, 1, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 0]]
    assert found.tolist() == np.array(same, bool).tolist()
    assert alike(np.stack([plain, mirrored, badged]), 0.999).tolist() == [[True, True, False]] * 2 + [
        [False, False, True]
    ]


def test_equal_images_are_kept_once_and_left_out_where_labels_differ():
    a, b, c = (noise(i, 32, 32, 3) for i in range(3))
    drawings = [Drawing("3", 0, a), Drawing("1", 0, a), Drawing("2", 0, b), Drawing("4", 1, b), Drawing("5", 1, c)]
    assert [(e.label, e.group) for e in split_drawings(drawings)] == [(0, "1"), (1, "5")]


@pytest.mark.parametrize("by", ["likeness", "kin"])
def test_a_group_has_one_split_whatever_the_order_of_the_drawings(by):
    drawings = []
    for i in range(60):
        base = noise(i, 32, 32, 3) // 2 + 128 * (noise(1000 + i, 32, 32, 3) > 90)
        for variant in range(3):  # of a chain, in which each is like the one before
            image = base.copy()
            image[:2, : 4 * variant] = 0
            image = image if by == "likeness" else noise(10 * i + variant, 32, 32, 3)
            drawings.append(Drawing(f"{i:02} {variant}", variant, image, f"kin {i:02}" if by == "kin" else ""))
    examples = list(split_drawings(drawings, salt="x"))
    again = list(split_drawings(drawings[::-1], salt="x"))
    assert [e[1:] for e in examples] == [e[1:] for e in again]
    groups = [e.group for e in examples]
    names = [f"kin {i:02}" if by == "kin" else f"{i:02} 0" for i in range(60)]
    assert groups == [name for name in names for _ in range(3)]
    assert all(e.split == split_by_hash("x" + e.group) for e in examples)
    assert {e.split for e in examples} == {"train", "test"}


@pytest.mark.parametrize(
    ("name", "kin"),
    [("food/muffin1.svg", "muffin"), ("food/muffin_2_bw.svg", "muffin"), ("a/bwana_tux_01.svg", "bwana tux")],
)
def test_kin_by_name(name, kin):
    assert kin_of(name) == kin
