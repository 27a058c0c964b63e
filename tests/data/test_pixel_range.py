"""What values of any type and range mean: one rule, for files and arrays alike, decided on the data set."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import classes, grey, picture
from PIL import Image

from lin_ft.data import load_split, load_splits, pixel_range
from lin_ft.data.pixel_range import RANGES, Range, check_different, meant_range, to_bytes
from lin_ft.errors import InputError

G = grey().astype(np.int64)  # 0 .. 248
STORED = {
    "uint8": G.astype(np.uint8),
    "uint8 of 0 and 1": (G > 120).astype(np.uint8),
    "int64 of 0 and 1": (G > 120).astype(np.int64),
    "bool": G > 120,
    "8 bits in 16": G.astype(np.uint16),
    "10 bits in 16": (G * 4).astype(np.uint16),
    "12 bits in 16": (G * 16).astype(np.uint16),
    "14 bits in 16": (G * 64).astype(np.uint16),
    "16 bits": (G * 257).astype(np.uint16),
    "8 bits in int32": G.astype(np.int32),
    "12 bits in int32": (G * 16).astype(np.int32),
    "16 bits in int32": (G * 257).astype(np.int32),
    "32 bits": (G * 16843009).astype(np.uint32),
    "int8": (G - 128).astype(np.int8),
    "int16 from -128": (G - 128).astype(np.int16),
    "Hounsfield units": (G * 16 - 1024).astype(np.int16),
    "signed 12 bits": (G * 16 - 2048).astype(np.int16),
    "signed 16 bits": (G * 257 - 32768).astype(np.int16),
    "float in [0, 1]": (G / 255).astype(np.float32),
    "float in [-1, 1]": (G / 127.5 - 1).astype(np.float32),
    "float in [0, 255]": G.astype(np.float32),
    "float of 0 and 1": (G > 120).astype(np.float64),
    "float of 12 bits": (G * 16.0).astype(np.float32),
    "float Hounsfield units": (G * 16 - 1023.5).astype(np.float32),
    "half": (G / 255).astype(np.float16),
}


def meant(kind: str) -> np.ndarray:
    return np.where(G > 120, 255, 0) if kind.endswith("0 and 1") or kind == "bool" else G


def arrays(stored: np.ndarray) -> dict[str, np.ndarray]:
    """Four pictures of two classes that are no copies: the picture and its turns."""
    turns = [np.rot90(stored, k) for k in range(4)]
    return {"x": np.stack(turns), "y": np.array([0, 0, 1, 1])}


@pytest.mark.parametrize("kind", STORED)
def test_arrays_arrive_as_they_were_meant(tmp_path, kind):
    np.savez(tmp_path / "a.npz", **arrays(STORED[kind]))
    data = load_split(tmp_path / "a.npz", "train", size=32)
    assert np.abs(data.images[0].astype(int) - meant(kind)[..., None]).max() <= 1


READ_BY_PILLOW = [kind for kind in STORED if not kind.startswith(("int64", "half", "float of 0"))]


@pytest.mark.parametrize("kind", READ_BY_PILLOW)
def test_files_arrive_as_arrays_do(tmp_path, kind):
    tifffile = pytest.importorskip("tifffile")
    held = arrays(STORED[kind])
    np.savez(tmp_path / "a.npz", **held)
    for i, (image, label) in enumerate(zip(held["x"], held["y"], strict=True)):
        path = tmp_path / "folder" / str(label) / f"{i}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(path, np.ascontiguousarray(image), photometric="minisblack")
    for size in (32, 20):
        files, same = (load_split(tmp_path / name, "train", size=size) for name in ("folder", "a.npz"))
        np.testing.assert_array_equal(files.images, same.images)
    assert np.abs(load_split(tmp_path / "folder", "train").images[0].astype(int) - meant(kind)[..., None]).max() <= 1


@pytest.mark.parametrize("kind", ["12 bits in 16", "float in [0, 1]", "Hounsfield units"])
@pytest.mark.parametrize("size", [32, 20])
def test_colour_and_grey_channels_of_arrays(tmp_path, kind, size):
    flat = STORED[kind]
    colour = np.stack([flat, flat.T, flat[::-1]], -1)
    np.savez(tmp_path / "a.npz", x=np.stack([np.rot90(colour, k) for k in range(4)]), y=[0, 0, 1, 1])
    wanted = np.stack([G, G.T, G[::-1]], -1).astype(np.uint8)
    np.savez(tmp_path / "b.npz", x=np.stack([np.rot90(wanted, k) for k in range(4)]), y=[0, 0, 1, 1])
    found, right = (load_split(tmp_path / f"{name}.npz", "train", size=size).images.astype(int) for name in "ab")
    assert np.abs(found - right).max() <= 1


UNDECIDED = {
    "digits of 0 to 16": (G // 15, "int64 from 0 to 16"),
    "uint8 of 0 to 16": ((G // 15).astype(np.uint8), "uint8 from 0 to 16"),
    "standardised floats": ((G - 124) / 70, "float64 from -1.77143 to 1.77143"),
    "floats of 0 to 16": (G / 15.5, "float64 from 0 to 16"),
    "a twentieth of the unit interval": (G / 5000, "float64 from 0 to 0.0496"),
    "a little below 0": (G / 240 - 0.03, "float64 from -0.03 to 1.00333"),
    "24 bits": (G.astype(np.int32) * 65793, "int32 from 0 to 16316664"),
    "metal in a computed tomography": ((G * 90 - 2000).astype(np.int16), "int16 from -2000 to 20320"),
    "a narrow window below 0": ((G - 160).astype(np.int16) * 2, "int16 from -320 to 176"),
}


@pytest.mark.parametrize("kind", UNDECIDED)
def test_what_cannot_be_told_is_an_error_with_the_range_found(tmp_path, kind):
    stored, found = UNDECIDED[kind]
    np.savez(tmp_path / "a.npz", **arrays(stored))
    with pytest.raises(InputError, match=f"The pixels of .*a.npz are {found}.*convert them to 8 bits"):
        load_split(tmp_path / "a.npz", "train")


def test_files_too(tmp_path):
    for i in range(4):
        path = tmp_path / str(i % 2) / f"{i}.tif"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.rot90((G / 15.5).astype(np.float32), i)).save(path)
    with pytest.raises(InputError, match=r"The pixels of the folder .* are float32 from 0 to 16,"):
        load_split(tmp_path, "train")


def test_the_rule_is_of_the_data_set_and_not_of_each_picture(tmp_path):
    dark, bright = (G * 2).astype(np.uint16), (G * 16).astype(np.uint16)  # alone they would be 10 and 12 bits
    for split, stored in (("train", dark), ("test", bright)):
        for i in range(4):
            path = tmp_path / split / str(i % 2) / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.rot90(stored, i)).save(path)
    parts = load_splits(tmp_path).parts
    assert np.abs(parts["test"].images[0].astype(int) - G[..., None]).max() <= 1
    assert np.abs(parts["train"].images[0].astype(int) - G[..., None] / 8).max() <= 1
    held = {
        f"x_{split}": np.stack([np.rot90(s, k) for k in range(4)]) for split, s in (("train", dark), ("val", bright))
    }
    np.savez(tmp_path / "a.npz", **held, y_train=[0, 1, 0, 1], y_val=[0, 1, 0, 1])
    assert np.abs(load_split(tmp_path / "a.npz", "train").images[0].astype(int) - G[..., None] / 8).max() <= 1


def test_pictures_of_two_types_have_a_range_each(tmp_path):
    classes(tmp_path, n=3)
    Image.fromarray((G * 16).astype(np.uint16)).save(tmp_path / "ant" / "a.png")
    Image.fromarray((G[::-1] / 255).astype(np.float32)).save(tmp_path / "ant" / "b.tif")
    images = load_split(tmp_path, "train").images
    assert np.abs(images[3].astype(int) - G[..., None]).max() <= 1
    assert np.abs(images[4].astype(int) - G[::-1, :, None]).max() <= 1


def test_the_documented_ranges_are_those_of_the_rule():
    page = (Path(__file__).parents[2] / "docs" / "guides" / "your_pictures.md").read_text(encoding="utf-8")
    for text in (page, pixel_range.__doc__):
        rows = re.findall(r"^\|.*?(-?\d+) \.\. (-?\d+)[^|]*\| [^|]*?\|", text, re.MULTILINE)
        found = [tuple(map(float, row)) for row in rows]
        assert found == [tuple(each) for each in RANGES]


@given(st.sampled_from(RANGES), st.floats(0, 1), st.floats(0, 1))
def test_the_rule_takes_the_narrowest_range_that_is_filled(meant, a, b):
    low, high = sorted((meant.low + a * (meant.high - meant.low), meant.low + b * (meant.high - meant.low)))
    found = meant_range(low, high)
    narrower = [each for each in RANGES if each.low <= low and high <= each.high]
    assert found in (None, narrower[0])
    full = meant_range(*meant)
    assert full == meant


@given(st.integers(0, 255))
def test_black_and_white_are_the_ends(value):
    for meant in RANGES:
        stored = np.array([meant.low + value / 255 * (meant.high - meant.low)])
        assert to_bytes(stored, meant).item() == value
    assert to_bytes(np.array([value], np.uint8), Range(0.0, 255.0)).item() == value


def test_pictures_all_nearly_alike_are_an_error(tmp_path):
    rng = np.random.default_rng(0)
    sets = {
        "black": np.zeros((8, 16, 16), np.uint8),
        "white": np.full((8, 16, 16), 255, np.uint8),
        "one picture": np.repeat(picture(0, 0)[None], 8, 0),
        "noise of one level": 90 + rng.integers(0, 2, (8, 16, 16)).astype(np.uint8),
        "floats": 0.5 + rng.uniform(0, 0.004, (8, 16, 16)),
    }
    for name, x in sets.items():
        np.savez(tmp_path / "a.npz", x=x, y=np.arange(8) % 2)
        with pytest.raises(InputError, match=r"The 8 pictures of .* are all nearly alike"):
            load_split(tmp_path / "a.npz", "train")
        folder = tmp_path / name
        for i, image in enumerate(x):
            path = folder / str(i % 2) / f"{i}.{'tif' if x.dtype.kind == 'f' else 'png'}"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.astype(np.float32) if x.dtype.kind == "f" else image).save(path)
        with pytest.raises(InputError, match=r"The 8 pictures of .* are all nearly alike \(grey levels"):
            load_split(folder, "train")


def test_pictures_that_differ_in_a_spot_are_not_alike():
    images = np.full((20, 32, 32, 3), 128, np.uint8)
    images[:10, 5, 7] = 160
    check_different(images, "x")
    check_different(images[:1], "x")
